"""Figures 2 and 5 of the paper, as PNG. Needs matplotlib (`walkprint[report]`).

Shape letters: C maps, H rows, W columns, S steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from model.network_config import Architecture
from model.reproduction.courses import CONVERGED_SHARE, SMOOTHED_STEPS, Course, smoothed
from model.reproduction.paper import CONVERGED_BATCHES
from model.reproduction.report import NETWORK_NAMES

_COLOURS: dict[Architecture, str] = {"resnet50": "#0072b2", "l-resnet50": "#d55e00"}  # Okabe–Ito
_GREY = "#555555"
_DOTS_PER_INCH = 150


@dataclass(frozen=True, slots=True)
class MapsPanel:
    """The maps of one layer of one network.

    Attributes:
        title: of the panel.
        maps_chw: float32 (C, H, W).
        ordinary: how many of them an ordinary convolution made; the others follow from these.
    """

    title: str
    maps_chw: NDArray[np.float32]
    ordinary: int


def draw_feature_maps(
    path: Path, gei_hw: NDArray[np.uint8], panels: Sequence[MapsPanel], *, source: str
) -> None:
    """Figure 2: one GEI and what the first layers make of it.

    Args:
        path: of the PNG.
        gei_hw: uint8 (H, W).
        panels: laid out in two rows.
        source: what it ran on, for the lines below; broken at semicolons.
    """
    columns = ceil(len(panels) / 2)
    with rc_context({"font.size": 10}):
        figure = Figure(figsize=(2.5 + 4.0 * columns, 11.5), layout="constrained")
        grid = figure.add_gridspec(2, columns + 1, width_ratios=(2.2, *(4.0,) * columns))
        axes = figure.add_subplot(grid[:, 0])
        axes.imshow(gei_hw, cmap="gray", interpolation="nearest")
        axes.set_title(f"GEI of a generated\nwalker, {gei_hw.shape[0]}×{gei_hw.shape[1]}")
        axes.axis("off")
        for number, panel in enumerate(panels):
            row, column = divmod(number, columns)
            _draw_maps(figure.add_subplot(grid[row, column + 1]), panel)
        figure.supxlabel(source.replace("; ", ";\n"), fontsize=8, color=_GREY)
        figure.savefig(path, dpi=_DOTS_PER_INCH)


def _draw_maps(axes: Axes, panel: MapsPanel) -> None:
    """All maps side by side, each scaled to its own range, those made from others in a frame."""
    count, height, width = panel.maps_chw.shape
    side = ceil(sqrt(count))
    gap = max(1, height // 12)
    tall, wide = height + gap, width + gap
    tiled_hw = np.full((side * tall - gap, side * wide - gap), np.nan, dtype=np.float32)
    for number, map_hw in enumerate(panel.maps_chw):
        row, column = divmod(number, side)
        span = max(float(np.ptp(map_hw)), 1e-12)
        tiled_hw[row * tall : row * tall + height, column * wide : column * wide + width] = (
            map_hw - map_hw.min()
        ) / span
    axes.imshow(tiled_hw, cmap="magma", interpolation="nearest")
    axes.axis("off")
    axes.set_title(panel.title)
    first_row = panel.ordinary // side
    if panel.ordinary < count:
        left, top = -0.5 - gap / 2, first_row * tall - 0.5 - gap / 2
        frame = Rectangle(
            (left, top), side * wide, side * tall - first_row * tall, fill=False, linewidth=2.0
        )
        frame.set(edgecolor=_COLOURS["l-resnet50"], clip_on=False)
        axes.add_patch(frame)
        below = "framed: each by a depthwise 3×3 from the map four rows above"
        axes.text(0.5, -0.01, below, transform=axes.transAxes, ha="center", va="top", fontsize=8)


def draw_loss_curves(path: Path, courses: Mapping[Architecture, Course], *, source: str) -> None:
    """Figure 5: the loss of both networks while they train.

    Args:
        path: of the PNG.
        courses: of both networks.
        source: what it ran on, for the lines below; broken at semicolons.
    """
    with rc_context({"font.size": 10}):
        figure = Figure(figsize=(8.0, 5.0), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        for architecture, course in courses.items():
            batches_s = np.arange(1, len(course.cross_entropy_s) + 1)
            colour, name = _COLOURS[architecture], NETWORK_NAMES[architecture]
            axes.plot(batches_s, course.cross_entropy_s, color=colour, alpha=0.25, linewidth=0.8)
            axes.plot(
                batches_s,
                smoothed(course.cross_entropy_s),
                color=colour,
                linewidth=2.0,
                label=f"{name}, mean of {SMOOTHED_STEPS} batches",
            )
        light = courses["l-resnet50"]
        classes, steps = light.network.config.classes or 1, len(light.cross_entropy_s)
        converged = CONVERGED_SHARE * log(classes)
        axes.axhline(
            converged,
            color=_GREY,
            linestyle=":",
            linewidth=1.0,
            label=f"a tenth of guessing, ln {classes} / {1 / CONVERGED_SHARE:g} = {converged:.2f}",
        )
        axes.axvline(
            CONVERGED_BATCHES,
            color=_GREY,
            linestyle="--",
            linewidth=1.0,
            label=f"paper: light network converged within about {CONVERGED_BATCHES}",
        )
        axes.set(
            xlabel="batches",
            ylabel="cross-entropy of the batch, nats",
            xlim=(0, max(steps, CONVERGED_BATCHES + 5)),
            ylim=(0.0, None),
            title="Training loss of both networks, on the same batches",
        )
        axes.grid(visible=True, alpha=0.25)
        axes.legend(loc="upper right", framealpha=1.0, edgecolor="none")
        figure.supxlabel(source.replace("; ", ";\n"), fontsize=8, color=_GREY)
        figure.savefig(path, dpi=_DOTS_PER_INCH)

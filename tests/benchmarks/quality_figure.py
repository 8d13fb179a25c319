"""The figure of docs/quality.md: walks with a low score are the ones that fail.

Shape letters: N trials.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from model.judgement_score import GOOD_FROM, POOR_BELOW

_RIGHT, _WRONG, _GREY = "#0072b2", "#d55e00", "#555555"  # Okabe and Ito
_DOTS_PER_INCH = 130
_GROUPS = 10


def deciles(score_n: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """The trials in ten equal groups, from the lowest scores to the highest."""
    return np.array_split(np.argsort(score_n, kind="stable"), _GROUPS)


def draw_quality(
    path: Path, score_n: NDArray[np.float64], margin_n: NDArray[np.float64], *, source: str
) -> None:
    """Draws rank-1 by tenths of the score, and the margin of every walk over its score.

    Args:
        path: of the PNG.
        score_n: of the judgement.
        margin_n: best cosine with the right person minus the best with anybody else.
        source: what it ran on, for the line below.
    """
    with rc_context({"font.size": 10}):
        figure = Figure(figsize=(10.0, 4.6), layout="constrained")
        by_tenth, by_walk = figure.subplots(1, 2)
        _draw_tenths(by_tenth, score_n, margin_n > 0.0)
        _draw_walks(by_walk, score_n, margin_n)
        for axes in (by_tenth, by_walk):
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(visible=True, alpha=0.25)
        figure.supxlabel(source, fontsize=8, color=_GREY)
        figure.savefig(path, dpi=_DOTS_PER_INCH)


def _draw_tenths(axes: Axes, score_n: NDArray[np.float64], recognised_n: NDArray[np.bool_]) -> None:
    groups = deciles(score_n)
    mean_score = np.array([score_n[group].mean() for group in groups])
    rank_1 = np.array([recognised_n[group].mean() for group in groups])
    counts = np.array([group.size for group in groups])
    spread = 1.96 * np.sqrt(rank_1 * (1.0 - rank_1) / counts)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle=":", label="score = share recognised")
    axes.errorbar(
        mean_score,
        rank_1,
        yerr=(spread, np.minimum(spread, 1.0 - rank_1)),
        color=_RIGHT,
        marker="o",
        capsize=3,
        label="a tenth of the walks, 95 %",
    )
    axes.set(
        xlabel="mean score of a tenth of the walks",
        ylabel="share recognised (right person first)",
        xlim=(0, 1.02),
        ylim=(0, 1.04),
        title="The share of walks recognised follows the score",
    )
    axes.legend(loc="upper left", framealpha=1.0, edgecolor="none")


def _draw_walks(axes: Axes, score_n: NDArray[np.float64], margin_n: NDArray[np.float64]) -> None:
    for name, colour, here_n in (
        ("recognised", _RIGHT, margin_n > 0.0),
        ("somebody else ranks first", _WRONG, margin_n <= 0.0),
    ):
        axes.scatter(score_n[here_n], margin_n[here_n], s=7, alpha=0.5, color=colour, label=name)
    axes.axhline(0.0, color=_GREY, linewidth=1.0)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.08 * (high - low))
    for limit, left, right in ((POOR_BELOW, "poor", "fair"), (GOOD_FROM, "fair", "good")):
        axes.axvline(limit, color=_GREY, linestyle="--", linewidth=1.0)
        axes.text(limit - 0.01, high, left, ha="right", va="bottom", color=_GREY)
        axes.text(limit + 0.01, high, right, ha="left", va="bottom", color=_GREY)
    axes.set(
        xlabel="score of the walk",
        ylabel="cosine: right person − best other",
        xlim=(0, 1.02),
        title="Every walk",
    )
    axes.legend(loc="lower right", framealpha=1.0, edgecolor="none")

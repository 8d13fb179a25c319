"""Draws docs/pictures/how-*.png: a walk on its way to a decision, by the code that is shown.

    python -m docs.draw_how_it_works

The walkers are generated (`app/demo/people.py`); decisions are those of a service of its own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot

from app.client import Client
from app.demo.people import FIRST_SEED, NAMES, enrolled_walks, known_probes, stranger_probes
from app.demo.service_process import ServiceProcess
from model.encoder import Encoder
from model.gait_period import autocorrelation
from model.gei import GeiConfig, align, energy_image, gait_period
from model.silhouettes import SilhouetteSequence
from model.walkers import Identity, Shot, walk_silhouettes

PICTURES = Path(__file__).parent / "pictures"
INK, ACCENT, PALE = "#222222", "#00796b", "#9aa5a4"
FRAMES_PER_SECOND = 25.0


def main() -> None:
    """Draws all four."""
    matplotlib.use("Agg")
    pyplot.rcParams.update({"font.size": 8, "axes.edgecolor": PALE, "text.color": INK})
    ada, again, ben = _walk(0, 1), _walk(0, 50), _walk(1, 50)
    _draw_alignment(ada)
    _draw_cycle(ada)
    _draw_embeddings([ada, again, ben])
    _draw_decisions()


def _walk(person: int, walk: int) -> SilhouetteSequence:
    shot = Shot(azimuth_degrees=90.0, frames=75, frames_per_second=FRAMES_PER_SECOND)
    return walk_silhouettes(Identity.from_seed(FIRST_SEED + person), walk_seed=walk, shot=shot)


def _draw_alignment(walk: SilhouetteSequence) -> None:
    """Silhouettes where they were in the picture, and aligned."""
    aligned = align(walk, GeiConfig())
    shown = range(0, 30, 5)
    figure, axes = pyplot.subplots(2, len(shown), figsize=(7.2, 2.9))
    for column, at in enumerate(shown):
        frame_hw = np.zeros((walk.frame_height, walk.frame_width), np.uint8)
        one = walk.silhouettes[at]
        if one is not None:
            rows = slice(one.top, one.top + one.height)
            frame_hw[rows, one.left : one.left + one.width] = one.mask_hw
        axes[0, column].imshow(frame_hw, cmap="gray")
        axes[0, column].set_title(f"{at / FRAMES_PER_SECOND:.1f} s")
        axes[1, column].imshow(aligned.frames_thw[at], cmap="gray")
    _bare(axes)
    axes[0, 0].set_ylabel("as seen")
    axes[1, 0].set_ylabel("aligned, 64×44")
    _save(figure, "how-aligned.png")


def _draw_cycle(walk: SilhouetteSequence) -> None:
    """How alike the legs are to themselves some time later, and the image of whole cycles."""
    config = GeiConfig()
    aligned = align(walk, config)
    period = gait_period(aligned, FRAMES_PER_SECOND, config)
    lower_thw = aligned.frames_thw[:, config.height // 2 :].astype(np.float32)
    correlation_l = autocorrelation(lower_thw, aligned.times_t, FRAMES_PER_SECOND)[:46]
    figure, axes = pyplot.subplots(1, 2, figsize=(7.2, 2.4), width_ratios=(3, 1))
    axes[0].plot(np.arange(correlation_l.size) / FRAMES_PER_SECOND, correlation_l, color=INK)
    seconds = period.frames / FRAMES_PER_SECOND
    axes[0].axvline(seconds, color=ACCENT, linestyle="--")
    axes[0].annotate(f"one cycle: {seconds:.2f} s", (seconds + 0.02, 0.85), color=ACCENT)
    axes[0].set_xlabel("seconds later")
    axes[0].set_ylabel("autocorrelation of the legs")
    image = energy_image(walk, config)
    axes[1].imshow(image.gei_hw, cmap="gray")
    axes[1].set_title(f"mean of {image.quality.cycles:.0f} whole cycles")
    _bare(np.array([axes[1]]))
    _save(figure, "how-cycle.png")


def _draw_embeddings(walks: list[SilhouetteSequence]) -> None:
    """Three walks as vectors, and how alike each two are."""
    encoder = Encoder.load(device="cpu", threads=1)
    geis_nhw = np.stack([energy_image(walk, GeiConfig()).gei_hw for walk in walks])
    vectors_nd = encoder.encode(geis_nhw)
    names = ["ada", "ada, another day", "ben"]
    figure, axes = pyplot.subplots(3, 2, figsize=(7.2, 3.2), width_ratios=(1, 9))
    for row, (gei_hw, vector_d, name) in enumerate(zip(geis_nhw, vectors_nd, names, strict=True)):
        axes[row, 0].imshow(gei_hw, cmap="gray")
        axes[row, 1].imshow(vector_d[None], cmap="PuOr", aspect="auto", vmin=-0.2, vmax=0.2)
        cosine = float(vectors_nd[0] @ vector_d)
        axes[row, 1].set_title(f"{name}: cosine with the first {cosine:.2f}", loc="left")
    _bare(axes)
    _save(figure, "how-embedded.png")


def _draw_decisions() -> None:
    """Scores of people who are enrolled and of strangers, beside the threshold of each answer."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ServiceProcess(Path(folder) / "data") as service,
        Client(service.url) as client,
    ):
        for person in NAMES:
            client.enroll(person, [walk.masks_thw() for walk in enrolled_walks(person)])
        probes = [*known_probes(), *stranger_probes()]
        answers = [(walk.label, client.identify(walk.masks_thw())) for walk in probes]
    figure, axes = pyplot.subplots(figsize=(7.2, 3.4))
    for row, (_, answer) in enumerate(answers):
        known = answer.decision == "match"
        axes.plot(answer.score, -row, "o" if known else "x", color=ACCENT if known else INK)
        axes.plot([answer.threshold] * 2, [-row - 0.4, -row + 0.4], color=PALE)
    said = [f"{label} → {answer.subject or 'unknown'}" for label, answer in answers]
    axes.set_yticks(-np.arange(len(said)), said)
    axes.set_xlabel("score of the best candidate (mark) and threshold at 1 % false positives (bar)")
    _save(figure, "how-decided.png")


def _bare(axes: np.ndarray) -> None:
    for one in axes.flat:
        one.set_xticks([])
        one.set_yticks([])


def _save(figure: pyplot.Figure, name: str) -> None:
    figure.tight_layout()
    figure.savefig(PICTURES / name, dpi=130)
    pyplot.close(figure)


if __name__ == "__main__":
    main()

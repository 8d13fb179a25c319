"""How the passes of one probe should be combined: `python -m tests.benchmarks.bench_passes`.

Strangers and enrolled people, all generated, each pass the camera three times. For every way of
making one decision of three vectors, the table shows how many strangers get a name (which the
threshold promises to be `target_fpir`) and how many enrolled people get none.

Shape letters: S subjects, P probes, K passes, N templates, D embedding size.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model.calibration import Calibration
from model.encoder import Encoder
from model.gei import energy_image
from model.silhouettes import SilhouetteSequence
from model.walkers import Identity, Shot, walk_masks_thw

_FIRST_SEED = 9_800_000
_PASSES_DEGREES = (90.0, 270.0, 85.0)
_TEMPLATES_DEGREES = (90.0, 75.0, 105.0)
_TARGETS = (0.01, 0.05, 0.1)

Combine = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(K, D) passes → (k, D) probe vectors, of which the best score counts."""


def _first(passes_kd: NDArray[np.float32]) -> NDArray[np.float32]:
    return passes_kd[:1]


def _every(passes_kd: NDArray[np.float32]) -> NDArray[np.float32]:
    return passes_kd


def _mean_of_scores(passes_kd: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(passes_kd.mean(axis=0, keepdims=True))


def _mean_direction(passes_kd: NDArray[np.float32]) -> NDArray[np.float32]:
    mean_kd = passes_kd.mean(axis=0, keepdims=True)
    return np.asarray(mean_kd / np.linalg.norm(mean_kd))


_WAYS: dict[str, Combine] = {
    "first pass only": _first,
    "best of the passes": _every,
    "mean of the scores": _mean_of_scores,
    "mean direction (serves)": _mean_direction,
}


def _embedded(
    encoder: Encoder, person: int, views_degrees: tuple[float, ...], first_walk: int
) -> NDArray[np.float32]:
    """(K, D): one walk for each view."""
    geis = []
    for number, azimuth in enumerate(views_degrees):
        masks_thw = walk_masks_thw(
            Identity.from_seed(_FIRST_SEED + person),
            walk_seed=first_walk + number,
            shot=Shot(azimuth_degrees=azimuth, frames=60),
        )
        sequence = SilhouetteSequence.from_stack(masks_thw, 25.0)
        geis.append(energy_image(sequence, encoder.checkpoint.gei).gei_hw)
    return encoder.encode(np.stack(geis))


def _named(
    vectors_kd: NDArray[np.float32],
    templates_snd: NDArray[np.float32],
    calibration: Calibration,
    target_fpir: float,
) -> int | None:
    """The subject's number, as `GallerySearch` and `decide` find it; None for unknown."""
    scores_s = (templates_snd @ vectors_kd.T).max(axis=(1, 2))
    best = int(scores_s.argmax())
    others, rest_s = np.delete(templates_snd, best, axis=0), np.delete(scores_s, best)
    mean = float((others.reshape(-1, others.shape[-1]) @ vectors_kd.mean(axis=0)).mean())
    (threshold,) = calibration.thresholds(
        target_fpir=target_fpir,
        gallery_sizes=[len(templates_snd)],
        cohort_means=[mean],
        cohort_sizes=[len(others)],
        cohort_scores=([float(rest_s.mean()) - mean], [float(rest_s.std())]),
    )
    return best if scores_s[best] >= threshold else None


def main() -> None:
    """Generates, embeds, decides, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=50)
    parser.add_argument("--strangers", type=int, default=200)
    wanted = parser.parse_args()
    encoder = Encoder.load(device="cpu", threads=1)
    calibration = encoder.checkpoint.calibration
    people = range(wanted.subjects)
    templates_snd = np.stack([_embedded(encoder, one, _TEMPLATES_DEGREES, 1) for one in people])
    known_pkd = [_embedded(encoder, one, _PASSES_DEGREES, 50) for one in people]
    strangers_pkd = [
        _embedded(encoder, wanted.subjects + one, _PASSES_DEGREES, 50)
        for one in range(wanted.strangers)
    ]
    table = Table(title=f"{wanted.subjects} enrolled, {wanted.strangers} strangers, 3 passes each")
    table.add_column("probe")
    for target in _TARGETS:
        table.add_column(f"FPIR, target {target:g}", justify="right")
        table.add_column("FNIR", justify="right")
    for name, combine in _WAYS.items():
        cells = []
        for target in _TARGETS:
            false = [
                _named(combine(passes_kd), templates_snd, calibration, target) is not None
                for passes_kd in strangers_pkd
            ]
            missed = [
                _named(combine(passes_kd), templates_snd, calibration, target) != person
                for person, passes_kd in zip(people, known_pkd, strict=True)
            ]
            cells += [f"{np.mean(false):.3f}", f"{np.mean(missed):.3f}"]
        table.add_row(name, *cells)
    Console().print(table)


if __name__ == "__main__":
    main()

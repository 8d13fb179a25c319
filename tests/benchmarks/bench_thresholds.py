"""How many strangers pass: by the checkpoint's threshold, and by one that the gallery measured.

    python -m tests.benchmarks.bench_thresholds --people 16000

Galleries are drawn at random from walkers nobody trained on, all before one camera; whoever is not
enrolled comes as a stranger. Each gallery is calibrated on its own people alone. Walkers are made
once and kept under runs/thresholds: some 30 ms of CPU each.

Shape letters: G galleries, P probes, M templates, S subjects, D embedding size.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model.bootstrap import draw_people, percentiles
from model.calibration import Calibration
from model.encoder import Encoder
from model.gallery_calibration import fit_gallery_curve
from model.gallery_curve import TARGET_FPIRS
from model.impostor_maxima import impostor_maxima
from tests.benchmarks.one_camera import Walks, embedded_walks

FOLDER = Path("runs/thresholds")
GALLERIES = {10: 300, 100: 100, 1000: 24, 10_000: 8}  # drawn of each size
FEWEST_STRANGERS, MOST_STRANGERS = 500, 4000  # that come to each gallery
SHARE_WITH_TWO_WALKS = 0.65  # so that 16,000 walkers make a gallery of 10,000
# Those before chose how much the checkpoint counts beside a gallery: they take no part.
FIRST_PERSON = 4000


@dataclass(frozen=True, slots=True)
class Asked:
    """Probes searched in one gallery.

    Attributes:
        best_p: (P,) cosine with the best subject.
        is_right_p: (P,) whether that is the one who walks.
        cohort_mean_p: (P,) mean cosine with everybody else's templates.
        cohort_scores: (P,) and (P,), rise and deviation of everybody else's scores.
        subjects: S, enrolled.
    """

    best_p: NDArray[np.float32]
    is_right_p: NDArray[np.bool_]
    cohort_mean_p: NDArray[np.float64]
    cohort_scores: tuple[NDArray[np.float64], NDArray[np.float64]]
    subjects: int

    def passed(self, curve: Calibration, target_fpir: float) -> NDArray[np.bool_]:
        """(P,) whether the best subject would have been named."""
        sizes_p = np.full(len(self.best_p), self.subjects)
        passed_p: NDArray[np.bool_] = self.best_p >= curve.thresholds(
            target_fpir=target_fpir,
            gallery_sizes=sizes_p,
            cohort_means=self.cohort_mean_p,
            cohort_sizes=sizes_p - 1,
            cohort_scores=self.cohort_scores,
        )
        return passed_p


def ask(gallery: Walks, probes: Walks) -> Asked:
    """Searches as the service does: best template, level of everybody but its subject."""
    people, subject_m = np.unique(gallery.person_n, return_inverse=True)
    sums_sd = np.zeros((len(people), gallery.vectors_nd.shape[1]))
    np.add.at(sums_sd, subject_m, gallery.vectors_nd)
    templates_s = np.bincount(subject_m)
    scores_pm = probes.vectors_nd @ gallery.vectors_nd.T
    best_m = scores_pm.argmax(axis=1)
    first_p = subject_m[best_m]
    rest_pd = sums_sd.sum(axis=0) - sums_sd[first_p]
    rest_p = len(subject_m) - templates_s[first_p]
    mean_p = np.einsum("pd,pd->p", probes.vectors_nd, rest_pd) / rest_p
    order_m = np.argsort(subject_m, kind="stable")
    starts_s = np.searchsorted(subject_m[order_m], np.arange(len(people)))
    best_ps = np.maximum.reduceat(scores_pm[:, order_m], starts_s, axis=1).astype(np.float64)
    best_ps[np.arange(len(first_p)), first_p] = np.nan
    return Asked(
        best_p=scores_pm[np.arange(len(best_m)), best_m],
        is_right_p=people[first_p] == probes.person_n,
        cohort_mean_p=mean_p,
        cohort_scores=(np.nanmean(best_ps, axis=1) - mean_p, np.nanstd(best_ps, axis=1)),
        subjects=len(people),
    )


@dataclass(frozen=True, slots=True)
class People:
    """Everybody: a first walk of all, a second one of some."""

    first: Walks
    second: Walks

    @property
    def most(self) -> int:
        """Who can be enrolled while enough strangers are left."""
        return len(self.first.person_n) - FEWEST_STRANGERS

    def galleries(self, size: int, walks: int) -> Iterator[tuple[Walks, Walks, Walks]]:
        """Random galleries: templates, strangers' probes, and probes of enrolled people."""
        rng = np.random.default_rng(size)
        paired = np.intersect1d(self.first.person_n, self.second.person_n)
        pool = paired if walks == 2 or 2 * size <= len(paired) else self.first.person_n
        for _ in range(GALLERIES[size] if len(pool) > size else 1):
            enrolled = rng.permutation(pool)[:size]
            templates = _of(self.first, np.isin(self.first.person_n, enrolled))
            others = np.flatnonzero(~np.isin(self.first.person_n, enrolled))
            strangers = _of(self.first, rng.permutation(others)[:MOST_STRANGERS])
            again = _of(self.second, np.isin(self.second.person_n, enrolled))
            yield (_both(templates, again) if walks == 2 else templates), strangers, again


def _of(walks: Walks, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Walks:
    return Walks(walks.vectors_nd[rows], walks.person_n[rows])


def _both(one: Walks, other: Walks) -> Walks:
    return Walks(
        np.concatenate((one.vectors_nd, other.vectors_nd)),
        np.concatenate((one.person_n, other.person_n)),
    )


@dataclass(frozen=True, slots=True)
class Achieved:
    """What one kind of threshold reached at one target in all galleries of one size.

    Attributes:
        fpir_g: (G,) share of strangers that were given a name.
        tpir_g: (G,) share of enrolled people's other walks that were given the right one.
    """

    fpir_g: NDArray[np.float64]
    tpir_g: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """All galleries of one size.

    Attributes:
        size: people enrolled.
        walks: of each.
        galleries: G.
        strangers: probes of strangers, over all galleries.
        by_checkpoint: at each target.
        by_gallery: at each target.
    """

    size: int
    walks: int
    galleries: int
    strangers: int
    by_checkpoint: list[Achieved]
    by_gallery: list[Achieved]


def measure(people: People, size: int, walks: int, checkpoint: Calibration) -> Row:
    """Calibrates and asks every gallery of one size."""
    reached: list[list[list[tuple[float, float]]]] = []
    probes = 0
    for templates, strangers, again in people.galleries(size, walks):
        maxima = impostor_maxima(templates.vectors_nd, templates.person_n, checkpoint)
        own = fit_gallery_curve(maxima, checkpoint, resamples=2).curve
        unknown, known = ask(templates, strangers), ask(templates, again)
        probes += len(unknown.best_p)
        reached.append(
            [
                [
                    (
                        float(unknown.passed(curve, target).mean()),
                        float((known.passed(curve, target) & known.is_right_p).mean()),
                    )
                    for target in TARGET_FPIRS
                ]
                for curve in (checkpoint, own)
            ]
        )
    reached_gkt2 = np.array(reached)
    by_checkpoint, by_gallery = (
        [Achieved(*reached_gkt2[:, kind, target].T) for target in range(len(TARGET_FPIRS))]
        for kind in (0, 1)
    )
    return Row(size, walks, len(reached), probes, by_checkpoint, by_gallery)


def main() -> None:
    """Makes the walkers, measures, prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=3000, help="walkers in all")
    parser.add_argument("--camera", type=int, default=90, help="its azimuth in degrees")
    arguments = parser.parse_args()
    console = Console(width=140)
    encoder = Encoder.load(device="cpu")
    walks = [
        embedded_walks(
            range(FIRST_PERSON, FIRST_PERSON + number),
            walk=walk,
            camera_degrees=arguments.camera,
            folder=FOLDER,
            encoder=encoder,
            console=console,
        )
        for walk, number in enumerate(
            (arguments.people, round(SHARE_WITH_TWO_WALKS * arguments.people))
        )
    ]
    people = People(*walks)
    table = Table(
        title=f"{len(people.first.person_n)} walkers at {arguments.camera}°,"
        f" {len(people.second.person_n)} with a second walk; {encoder.checkpoint.checkpoint_id}",
    )
    for column in ("enrolled", "walks", "galleries", "strangers", "asked"):
        table.add_column(column, justify="right")
    for kind in ("checkpoint's", "gallery's own"):
        table.add_column(f"pass, {kind}", justify="right")
    table.add_column("9 of 10 galleries", justify="right")
    table.add_column("found, checkpoint's / own", justify="right")
    calibration = encoder.checkpoint.calibration
    for enrolled in (1, 2):
        for size in GALLERIES:
            if size <= (people.most if enrolled == 1 else len(people.second.person_n)):
                _add(table, measure(people, size, enrolled, calibration))
    console.print(table)


def _add(table: Table, row: Row) -> None:
    for number, target in enumerate(TARGET_FPIRS):
        checkpoint, own = row.by_checkpoint[number], row.by_gallery[number]
        low, high = np.quantile(own.fpir_g, [0.05, 0.95])
        first = number == 0
        table.add_row(
            f"{row.size:,}" if first else "",
            str(row.walks) if first else "",
            str(row.galleries) if first else "",
            f"{row.strangers:,}" if first else "",
            f"{100 * target:g} %",
            _share(checkpoint.fpir_g, row),
            _share(own.fpir_g, row),
            f"{100 * low:.2f} to {100 * high:.2f}",
            ""
            if row.walks == 2
            else f"{100 * checkpoint.tpir_g.mean():.1f} / {100 * own.tpir_g.mean():.1f}",
            end_section=number == len(TARGET_FPIRS) - 1,
        )


def _share(fpir_g: NDArray[np.float64], row: Row) -> str:
    """The mean over the galleries, with a 95 % interval over galleries and over strangers.

    Galleries of one size overlap where people are few; what is drawn again is then each gallery's
    count, too, as if its strangers were independent.
    """
    rng = np.random.default_rng(0)
    drawn_rg = draw_people(len(fpir_g), resamples=2000) / len(fpir_g)
    per_gallery = row.strangers // row.galleries
    counted_rg = rng.binomial(per_gallery, np.broadcast_to(fpir_g, drawn_rg.shape)) / per_gallery
    low, high = percentiles((drawn_rg * counted_rg).sum(axis=1))
    return f"{100 * fpir_g.mean():.2f} [{100 * low:.2f}–{100 * high:.2f}]"


if __name__ == "__main__":
    main()

"""Which strangers pass, by their clothes and by the camera: `make bench-conditions`.

    python -m tests.benchmarks.bench_conditions

One threshold serves all probes, for nobody tells a service what a stranger wears. Here strangers
come in everyday clothes, with a bag and in a coat, before the gallery's own camera and before
another one, and are met by the checkpoint's threshold and by the gallery's own. Galleries hold four
walks in everyday clothes of each person, as those of `walkprint evaluate` do.

Walkers nobody trained on are made once and kept under runs/conditions: some 30 ms of CPU each.

Shape letters: P probes, S people.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model.bootstrap import Estimate, SubjectMean
from model.calibration import Calibration
from model.datasets.walker_recipe import CONDITIONS, WalkerSetConfig
from model.encoder import Encoder
from model.gallery_calibration import fit_gallery_curve
from model.gallery_curve import TARGET_FPIRS
from model.impostor_maxima import impostor_maxima
from tests.benchmarks.bench_thresholds import ask
from tests.benchmarks.one_camera import RECIPE, Walks, embedded_walks

FOLDER = Path("runs/conditions")
CAMERAS_DEGREES = (0, 45, 90)
PEOPLE = range(43_000, 43_250)  # who take part in no other benchmark
TEMPLATES = 4  # of each person, as the checkpoint's curve was fitted
ENROLLED, GALLERIES = 50, 20  # people in each, and how many are drawn
NAMES = {"nm": "everyday clothes", "bg": "with a bag", "cl": "in a coat"}
KINDS = ("checkpoint", "gallery")


@dataclass(frozen=True, slots=True)
class Filmed:
    """One camera's walks.

    Attributes:
        templates: of everybody, `TEMPLATES` walks in everyday clothes.
        probes: a walk of everybody in each condition; those in everyday clothes are templates of
            whoever is enrolled.
    """

    templates: Walks
    probes: Mapping[str, Walks]


def filmed(camera: int, encoder: Encoder, console: Console) -> Filmed:
    """Everybody's walks before one camera."""

    def walk(number: int, condition: str) -> Walks:
        return embedded_walks(
            PEOPLE,
            walk=number,
            camera_degrees=camera,
            folder=FOLDER,
            encoder=encoder,
            console=console,
            recipe=_dressed(condition),
        )

    everyday = [walk(number, "nm") for number in range(TEMPLATES)]
    templates = Walks(
        np.concatenate([walks.vectors_nd for walks in everyday]),
        np.concatenate([walks.person_n for walks in everyday]),
    )
    dressed = {name: walk(TEMPLATES + place, name) for place, name in enumerate(("bg", "cl"))}
    return Filmed(templates, {"nm": everyday[0], **dressed})


def _dressed(condition: str) -> WalkerSetConfig:
    nm, bg, cl = (float(name == condition) for name in CONDITIONS)
    return replace(RECIPE, condition_shares=(nm, bg, cl))


@dataclass(frozen=True, slots=True)
class Gallery:
    """Some people, enrolled.

    Attributes:
        templates: theirs.
        curves: by `KINDS`, whose thresholds decide.
    """

    templates: Walks
    curves: Mapping[str, Calibration]


def galleries(
    templates: Walks, checkpoint: Calibration, *, count: int = GALLERIES
) -> list[Gallery]:
    """Random galleries of one camera, each also calibrated on its own people."""
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(count):
        some = _of(templates, rng.permutation(np.unique(templates.person_n))[:ENROLLED])
        maxima = impostor_maxima(some.vectors_nd, some.person_n, checkpoint)
        own = fit_gallery_curve(maxima, checkpoint, resamples=2).curve
        drawn.append(Gallery(some, dict(zip(KINDS, (checkpoint, own), strict=True))))
    return drawn


def _of(walks: Walks, people: NDArray[np.int64], *, others: bool = False) -> Walks:
    kept_n = np.isin(walks.person_n, people, invert=others)
    return Walks(walks.vectors_nd[kept_n], walks.person_n[kept_n])


def passing(
    drawn: list[Gallery], probes: Walks, *, kind: str, target_fpir: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Strangers of each person that were given a name, and all of them: two (S,) over `PEOPLE`.

    Args:
        drawn: of one camera.
        probes: of everybody; whoever is enrolled does not come.
        kind: one of `KINDS`.
        target_fpir: what the thresholds are asked for.
    """
    passed_s, came_s = np.zeros(len(PEOPLE)), np.zeros(len(PEOPLE))
    for gallery in drawn:
        strangers = _of(probes, gallery.templates.person_n, others=True)
        passed_p = ask(gallery.templates, strangers).passed(gallery.curves[kind], target_fpir)
        np.add.at(came_s, strangers.person_n - PEOPLE.start, 1.0)
        np.add.at(passed_s, strangers.person_n[passed_p] - PEOPLE.start, 1.0)
    return passed_s, came_s


def main() -> None:
    """Makes the walkers, measures, prints one table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    console = Console(width=140)
    encoder = Encoder.load(device="cpu")
    checkpoint = encoder.checkpoint.calibration
    cameras = {camera: filmed(camera, encoder, console) for camera in CAMERAS_DEGREES}
    drawn = {camera: galleries(of.templates, checkpoint) for camera, of in cameras.items()}
    table = Table(
        title=f"strangers who pass, %: {GALLERIES} galleries of {ENROLLED} walkers with {TEMPLATES}"
        f" walks for each camera; {encoder.checkpoint.checkpoint_id}"
    )
    table.add_column("strangers")
    table.add_column("before camera")
    for kind in KINDS:
        for target in TARGET_FPIRS[:2]:
            table.add_column(f"{kind}'s, {100 * target:g} % asked", justify="right")
    pairs = {f"{camera}°, the gallery's": [(camera, camera)] for camera in CAMERAS_DEGREES}
    pairs["all three, each its own"] = [(camera, camera) for camera in CAMERAS_DEGREES]
    pairs["another than the gallery's"] = [
        (one, other) for one in CAMERAS_DEGREES for other in CAMERAS_DEGREES if one != other
    ]
    for condition, worn in NAMES.items():
        for place, met in pairs.items():
            table.add_row(
                worn,
                place,
                *(
                    _percent(
                        [
                            passing(
                                drawn[gallery],
                                cameras[probe].probes[condition],
                                kind=kind,
                                target_fpir=target,
                            )
                            for gallery, probe in met
                        ]
                    )
                    for kind in KINDS
                    for target in TARGET_FPIRS[:2]
                ),
            )
        table.add_section()
    console.print(table)


def _percent(counted: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> str:
    passed_s, came_s = (np.sum(column, axis=0)[:, None] for column in zip(*counted, strict=True))
    told: Estimate = SubjectMean(passed_s, came_s).estimate()
    return f"{100 * told.value:.1f} [{100 * told.low:.1f}–{100 * told.high:.1f}]"


if __name__ == "__main__":
    main()

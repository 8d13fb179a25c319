"""`walkprint walkers`: generated people as files, to try the service with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import AsJson
from app.commands.output import answers, notes, print_json, print_problem, progress_bar

if TYPE_CHECKING:
    from model.walkers import Condition

# Everyday clothes twice, then a bag, then a coat, and so on.
_CONDITIONS: tuple[Condition, ...] = ("nm", "nm", "bg", "cl")
_FIRST_UNSEEN_SEED = 9_100_000
_SUBJECTS, _WALKS, _FORM = 12, 4, "zip"
_CASIA_B_SUBJECTS = 124
_STAND_IN = "CASIA-B's shape"  # panel of the options that belong to it


def walkers(
    out: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="The folder to fill: OUT/<walker>/<walk>."),
    ] = None,
    subjects: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100_000,
            show_default="12; 124 in CASIA-B's shape",
            help="How many people.",
        ),
    ] = None,
    walks: Annotated[
        int | None, typer.Option(min=1, max=1000, show_default="4", help="Walks of each.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            show_default="unseen people",
            help="Of the first person. Those below 1,000,000 may have been trained on.",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--as", show_default="zip", help="zip, folder (PNG frames) or mp4."),
    ] = None,
    azimuth: Annotated[
        float | None,
        typer.Option(
            show_default="any", help="90 passes by to the left, 0 comes towards the camera."
        ),
    ] = None,
    faults: Annotated[
        bool, typer.Option(help="Spoil the masks as real segmentation does.")
    ] = False,
    casia_b: Annotated[
        Path | None,
        typer.Option(
            "--casia-b",
            file_okay=False,
            rich_help_panel=_STAND_IN,
            help="Fill this folder instead: 10 walks × 11 views of each, half of them spoiled.",
        ),
    ] = None,
    gaps: Annotated[
        bool,
        typer.Option(
            "--gaps", rich_help_panel=_STAND_IN, help="Leave out the 47 slots that CASIA-B lacks."
        ),
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, rich_help_panel=_STAND_IN, help="That generate.")
    ] = 2,
    as_json: AsJson = False,
) -> None:
    """Write walks of generated people: silhouettes that nobody has to be asked for.

    Walks are named by condition: nm in everyday clothes, bg with a bag, cl with a coat. With
    --casia-b they lie as in that data set and stand in for it; killed and started again, writing
    goes on where it was.

    \b
    Examples:
      walkprint walkers --out people --subjects 12 --walks 4
      walkprint enroll --from-folder people --gallery rehearsal
      walkprint walkers --out clips --subjects 2 --azimuth 90 --as mp4
      walkprint walkers --casia-b stand-in --gaps
      walkprint evaluate --dataset casia-b stand-in
    """
    if (out is None) == (casia_b is None):
        raise typer.BadParameter("Say either --out or --casia-b.")
    if casia_b is not None:
        if any(given is not None for given in (walks, form, azimuth)) or faults:
            raise typer.BadParameter(
                "--casia-b has its own walks, views and faults: --walks, --as, --azimuth and"
                " --faults do not go with it."
            )
        _write_stand_in(casia_b, subjects or _CASIA_B_SUBJECTS, seed, gaps, processes, as_json)
    elif out is not None:
        first = _FIRST_UNSEEN_SEED if seed is None else seed
        people = range(first, first + (subjects or _SUBJECTS))
        _write_people(out, people, walks or _WALKS, form or _FORM, azimuth, faults, as_json)


def _write_people(
    out: Path,
    seeds: range,
    walks: int,
    form: str,
    azimuth: float | None,
    faults: bool,
    as_json: bool,
) -> None:
    import numpy as np

    from app.walker_files import FORMS, write_walk
    from model.walkers import FaultSettings, Identity, Shot, walk_masks_thw

    chosen = next((known for known in FORMS if known == form), None)
    if chosen is None:
        raise typer.BadParameter(f"--as is one of {', '.join(FORMS)}, not {form}.")
    if out.exists() and any(out.iterdir()):
        raise typer.BadParameter(f"{out} is not empty; choose another folder.")
    spoil = FaultSettings(share=1.0) if faults else FaultSettings.none()
    with progress_bar(quiet=as_json) as progress:
        task = progress.add_task("Walking", total=len(seeds) * walks, note="")
        for identity_seed in seeds:
            identity = Identity.from_seed(identity_seed)
            for walk in range(walks):
                condition = _CONDITIONS[walk % len(_CONDITIONS)]
                shot = Shot.random(
                    np.random.default_rng([identity_seed, walk]), azimuth_degrees=azimuth
                )
                masks_thw = walk_masks_thw(
                    identity, walk_seed=walk, condition=condition, shot=shot, faults=spoil
                )
                name = f"{condition}-{walk:03d}-{shot.azimuth_degrees:03.0f}"
                target = out / f"walker-{identity_seed}" / name
                write_walk(masks_thw, target, chosen, frames_per_second=shot.frames_per_second)
                progress.advance(task)
    if as_json:
        print_json({"folder": str(out), "subjects": len(seeds), "walks": len(seeds) * walks})
    else:
        answers.print(f"{len(seeds) * walks} walks of {len(seeds)} people in {out}")


def _write_stand_in(
    folder: Path, subjects: int, seed: int | None, gaps: bool, processes: int, as_json: bool
) -> None:
    from model.datasets.casia_b_stand_in import FIRST_IDENTITY, StandIn, write_stand_in
    from model.datasets.shard_building import WalkSetMismatch

    if subjects > _CASIA_B_SUBJECTS:
        raise typer.BadParameter(f"CASIA-B has {_CASIA_B_SUBJECTS} people, not {subjects}.")
    stand_in = StandIn(
        subjects=subjects, first_identity=FIRST_IDENTITY if seed is None else seed, gaps=gaps
    )
    try:
        walks = write_stand_in(
            stand_in, folder, processes=processes, console=None if as_json else notes
        )
    except WalkSetMismatch as occupied:
        print_problem({"detail": str(occupied)}, as_json=as_json)
        raise typer.Exit(1) from occupied
    if as_json:
        print_json({"folder": str(folder), "subjects": subjects, "walks": walks})
    else:
        answers.print(f"{walks} walks of {subjects} people in {folder}, laid out as CASIA-B")

"""`walkprint walkers`: generated people as files, to try the service with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import AsJson
from app.commands.output import answers, print_json, progress_bar

if TYPE_CHECKING:
    from model.walkers import Condition

# Everyday clothes twice, then a bag, then a coat, and so on.
_CONDITIONS: tuple[Condition, ...] = ("nm", "nm", "bg", "cl")
_FIRST_UNSEEN_SEED = 9_100_000


def walkers(
    out: Annotated[Path, typer.Option(help="The folder to fill: OUT/<walker>/<walk>.")],
    subjects: Annotated[int, typer.Option(min=1, max=100_000, help="How many people.")] = 12,
    walks: Annotated[int, typer.Option(min=1, max=1000, help="Walks of each.")] = 4,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="Of the first person. Those below 2,000,000 may have been trained on."
        ),
    ] = _FIRST_UNSEEN_SEED,
    form: Annotated[str, typer.Option("--as", help="zip, folder (PNG frames) or mp4.")] = "zip",
    azimuth: Annotated[
        float | None,
        typer.Option(help="90 passes by to the left, 0 comes towards the camera. [default: any]"),
    ] = None,
    faults: Annotated[
        bool, typer.Option(help="Spoil the masks as real segmentation does.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write walks of generated people: silhouettes that nobody has to be asked for.

    Walks are named by condition: nm in everyday clothes, bg with a bag, cl with a coat.

    \b
    Examples:
      walkprint walkers --out people --subjects 12 --walks 4
      walkprint enroll --from-folder people --gallery rehearsal
      walkprint walkers --out clips --subjects 2 --azimuth 90 --as mp4
    """
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
        task = progress.add_task("Walking", total=subjects * walks, note="")
        for identity_seed in range(seed, seed + subjects):
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
        print_json({"folder": str(out), "subjects": subjects, "walks": subjects * walks})
    else:
        answers.print(f"{subjects * walks} walks of {subjects} people in {out}")

"""`walkprint evaluate`: how well a checkpoint recognises people, beside simple baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import AsJson, FramesPerSecond
from app.commands.output import answers, notes, print_json, print_problem

if TYPE_CHECKING:
    from model.evaluation_report import DatasetName

_DATASETS: tuple[DatasetName, ...] = ("walkers", "casia-b", "casia-a", "tree")


def evaluate(
    folder: Annotated[
        Path | None,
        typer.Argument(exists=True, file_okay=False, help="Of casia-b, casia-a and tree."),
    ] = None,
    dataset: Annotated[
        str,
        typer.Option(
            help="walkers (generated, never trained on), casia-b, casia-a, tree (<subject>/<walk>)."
        ),
    ] = "walkers",
    checkpoint: Annotated[
        Path | None, typer.Option(help="[default: the weights that ship with Walkprint]")
    ] = None,
    people: Annotated[int, typer.Option(min=4, help="Of generated walkers.")] = 50,
    baseline_people: Annotated[
        int, typer.Option(min=0, help="PCA + LDA is fitted on so many; 0 leaves it out.")
    ] = 500,
    runs: Annotated[
        Path, typer.Option(help="Where generated walkers and decoded recordings are kept.")
    ] = Path("runs"),
    processes: Annotated[int, typer.Option(min=1, help="That generate or decode walks.")] = 2,
    fps: FramesPerSecond = None,
    as_json: AsJson = False,
) -> None:
    """Measure recognition beside raw GEIs and a linear model, on the same walks.

    \b
    Examples:
      walkprint evaluate
      walkprint evaluate --dataset tree people/ --checkpoint runs/try/checkpoint.safetensors
      walkprint evaluate --dataset casia-a casia-a/ --json
    """
    from model.datasets.recordings import UNUSABLE
    from model.encoder import Encoder
    from model.evaluate import NothingToScore
    from model.evaluate import evaluate as score

    chosen = next((known for known in _DATASETS if known == dataset), None)
    if chosen is None:
        raise typer.BadParameter(f"--dataset is one of {', '.join(_DATASETS)}, not {dataset}.")
    if chosen != "walkers" and folder is None:
        raise typer.BadParameter(f"--dataset {chosen} needs a folder.")
    encoder = Encoder.load(checkpoint)
    try:
        report = score(
            encoder.encode,
            chosen,
            folder,
            calibration=encoder.checkpoint.calibration,
            gei=encoder.checkpoint.gei,
            runs=runs,
            identities=people,
            baseline_identities=baseline_people,
            processes=processes,
            frames_per_second=fps,
            console=None if as_json else notes,
        )
    except (*UNUSABLE, NothingToScore) as unusable:
        print_problem({"detail": str(unusable)}, as_json=as_json)
        raise typer.Exit(1) from unusable
    if as_json:
        print_json({"checkpoint": encoder.checkpoint.checkpoint_id, **report.to_json()})
        return
    answers.print(f"[dim]checkpoint {encoder.checkpoint.checkpoint_id}[/]")
    answers.print(report.table())
    for line in report.explanations():
        answers.print(f"[dim]{line}[/]")

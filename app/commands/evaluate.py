"""`walkprint evaluate`: how well a checkpoint recognises people, beside simple baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.commands.options import AsJson, CheckpointFile, FramesPerSecond
from app.commands.output import answers, notes, print_json, print_problem


def evaluate(
    folder: Annotated[
        Path | None,
        typer.Argument(exists=True, file_okay=False, help="Of casia-b, casia-a and tree."),
    ] = None,
    dataset: Annotated[
        Literal["walkers", "casia-b", "casia-a", "tree"],
        typer.Option(help="walkers are generated, never trained on; tree is <subject>/<walk>."),
    ] = "walkers",
    checkpoint: CheckpointFile = None,
    people: Annotated[int, typer.Option(min=4, help="Of generated walkers.")] = 50,
    baseline_people: Annotated[
        int, typer.Option(min=0, help="PCA + LDA is fitted on so many; 0 leaves it out.")
    ] = 500,
    runs: Annotated[
        Path,
        typer.Option(
            file_okay=False, help="Where generated walkers and decoded recordings are kept."
        ),
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
    from model.checkpoint import CheckpointNotReadable
    from model.datasets.recordings import UNUSABLE
    from model.encoder import Encoder
    from model.evaluate import NothingToScore
    from model.evaluate import evaluate as score

    if dataset != "walkers" and folder is None:
        raise typer.BadParameter(f"--dataset {dataset} needs a folder.")
    try:
        encoder = Encoder.load(checkpoint)
        report = score(
            encoder.encode,
            dataset,
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
    except (CheckpointNotReadable, *UNUSABLE, NothingToScore) as unusable:
        print_problem({"detail": str(unusable)}, as_json=as_json)
        raise typer.Exit(1) from unusable
    if as_json:
        print_json({"checkpoint": encoder.checkpoint.checkpoint_id, **report.to_json()})
        return
    answers.print(f"[dim]checkpoint {encoder.checkpoint.checkpoint_id}[/]")
    answers.print(report.table())
    for line in report.explanations():
        answers.print(f"[dim]{line}[/]")

"""`walkprint evaluate`: how well a checkpoint recognises people, beside simple baselines."""

from __future__ import annotations

import os
import shlex
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.commands.options import AsJson, CheckpointFile, FramesPerSecond
from app.commands.output import answers, notes, print_json, print_problem

GENERATED_PAIRS = 6


def evaluate(
    context: typer.Context,
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
    out: Annotated[
        Path, typer.Option(file_okay=False, help="For the report: HTML, JSON, CSV.")
    ] = Path("runs/evaluation"),
    worst_pairs: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Pairs of each kind that the report names and shows. Those of real people are"
            " biometric pictures.",
            show_default=f"{GENERATED_PAIRS} of generated walkers, 0 of real people",
        ),
    ] = None,
    runs: Annotated[
        Path,
        typer.Option(
            file_okay=False, help="Where generated walkers and decoded recordings are kept."
        ),
    ] = Path("runs"),
    processes: Annotated[int, typer.Option(min=1, help="That generate or decode walks.")] = 2,
    fps: FramesPerSecond = None,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="Write the figures into the checkpoint's file too: once it is installed, the"
            " console's page Accuracy shows them.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure recognition beside raw GEIs and a linear model, on the same walks.

    Prints the figures, and writes report.html (one file with curves, tables and the worst errors),
    report.json, figures.csv and curves.csv to OUT.

    \b
    Examples:
      walkprint evaluate
      walkprint evaluate --dataset tree people/ --checkpoint runs/try/checkpoint.safetensors
      walkprint evaluate --dataset casia-a casia-a/ --json
      walkprint evaluate --checkpoint runs/try/checkpoint.safetensors --record
    """
    from model.checkpoint import CheckpointNotReadable, default_checkpoint_path
    from model.datasets.recordings import UNUSABLE
    from model.embedding_speed import TimedEncode
    from model.encoder import Encoder
    from model.evaluate import NothingToScore
    from model.evaluate import evaluate as score
    from model.evaluation_page import Circumstances, report_json, write_report
    from model.recorded_evaluation import record_evaluation

    if dataset != "walkers" and folder is None:
        raise typer.BadParameter(f"--dataset {dataset} needs a folder.")
    begun = time.monotonic()
    real_people = dataset != "walkers"
    if worst_pairs is None:
        worst_pairs = 0 if real_people else GENERATED_PAIRS
    try:
        encoder = Encoder.load(checkpoint)
        encode = TimedEncode(encoder.encode)
        report = score(
            encode,
            dataset,
            folder,
            calibration=encoder.checkpoint.calibration,
            gei=encoder.checkpoint.gei,
            runs=runs,
            identities=people,
            baseline_identities=baseline_people,
            processes=processes,
            frames_per_second=fps,
            pairs_shown=worst_pairs,
            console=None if as_json else notes,
        )
    except (CheckpointNotReadable, *UNUSABLE, NothingToScore) as unusable:
        print_problem({"detail": str(unusable)}, as_json=as_json)
        raise typer.Exit(1) from unusable
    circumstances = Circumstances(
        checkpoint=encoder.checkpoint.checkpoint_id,
        data=_DATA[dataset],
        real_people=real_people,
        command=_command(context),
        date=datetime.now(UTC).date().isoformat(),
        version=version("walkprint"),
        runtime=encoder.runtime,
        device=encoder.device,
        cores=os.cpu_count() or 1,
        speed=encode.speed(),
        seconds=time.monotonic() - begun,
    )
    files = write_report(report, circumstances, out)
    if record:
        measured = checkpoint or default_checkpoint_path()
        try:
            record_evaluation(measured, report, date=circumstances.date)
        except OSError as error:
            detail = f"{measured.name} cannot be written: {error.strerror}."
            print_problem(
                {"detail": detail, "advice": "Copy it, and name the copy."}, as_json=as_json
            )
            raise typer.Exit(1) from error
    if as_json:
        print_json(report_json(report, circumstances))
        return
    answers.print(f"[dim]checkpoint {circumstances.checkpoint}[/]")
    answers.print(report.table())
    for line in report.explanations():
        answers.print(f"[dim]{line}[/]")
    notes.print(f"[green]Written[/]: {files.page}")


_DATA = {
    "walkers": "people who never lived, generated in CASIA-B's shape and used in no training",
    "casia-a": "CASIA-A, real people",
    "casia-b": "CASIA-B, real people",
    "tree": "a folder <subject>/<walk>",
}


def _command(context: typer.Context) -> str:
    """The command line as it was given; of files and folders only the names.

    A report is passed on; where somebody keeps their files is nobody's business.
    """
    words = ["walkprint", "evaluate"]
    for parameter in context.command.params:
        name, value = parameter.name or "", context.params.get(parameter.name or "")
        source = context.get_parameter_source(name)
        if source is None or source.name != "COMMANDLINE":
            continue
        shown = value.name if isinstance(value, Path) else str(value)
        if parameter.param_type_name == "argument":
            words.append(shown)
        elif isinstance(value, bool):
            words.append(parameter.opts[-1])
        else:
            words += [parameter.opts[0], shown]
    return shlex.join(words)

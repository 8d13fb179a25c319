"""`walkprint finetune`: the weights go on learning, on the user's own people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.commands import training_options as options
from app.commands.options import DEFAULT_CACHE, AsJson, FramesPerSecond, RecordingsCache
from app.commands.output import answers, notes, print_json, print_problem

if TYPE_CHECKING:
    from model.finetune_report import FinetuneReport


def finetune(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Of your people's walks.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            file_okay=False, help="For walkers, state, checkpoint, report; the same again goes on."
        ),
    ] = Path("runs/finetune"),
    dataset: Annotated[
        Literal["tree", "casia-b", "casia-a"],
        typer.Option(help="tree is <subject>/<walk>, a walk being a video, archive or folder."),
    ] = "tree",
    split: options.Split = "74-50",
    initial: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            show_default="the weights that ship with Walkprint",
            help="To start from.",
        ),
    ] = None,
    people: Annotated[
        int, typer.Option(min=16, help="Generated walkers mixed in against forgetting.")
    ] = 200,
    steps: Annotated[int, typer.Option(min=1, help="Batches.")] = 200,
    rate: Annotated[float, typer.Option(min=0.0, help="Highest learning rate.")] = 1e-4,
    cache: RecordingsCache = DEFAULT_CACHE,
    fps: FramesPerSecond = None,
    device: options.Device = "cpu",
    threads: options.Threads = None,
    processes: options.Processes = 2,
    as_json: AsJson = False,
) -> None:
    """Go on training on your own people, and say whether it helped.

    Three tenths of the people, and a quarter of the others' walks, are kept back and compared
    before and after. At least eight people with two walks each are needed; below eight people kept
    back (25 in all) the answer is "too few people to tell". The weights it starts from stay; the
    new ones are written beside the report.

    \b
    Examples:
      walkprint finetune people/ --out runs/office
      walkprint evaluate --dataset tree others/ --checkpoint runs/office/checkpoint.safetensors
    """
    import torch

    from model.checkpoint import (
        CheckpointNotReadable,
        default_checkpoint_path,
        load_checkpoint,
        save_checkpoint,
    )
    from model.datasets.recorded_set import Caching
    from model.datasets.recordings import UNUSABLE
    from model.finetune import FinetuneWalkers, finetune_recipe
    from model.finetune import finetune as go_on
    from model.people_recipe import TERMS
    from model.people_split import split_people
    from model.people_walks import people_walks
    from model.recipe import CALIBRATION, TRAINING, VALIDATION, Generation

    if threads is not None:
        torch.set_num_threads(threads)
    console = None if as_json else notes
    notes.print(f"[dim]{TERMS}[/]")
    try:
        start = load_checkpoint(initial or default_checkpoint_path())
        own = people_walks(
            dataset,
            folder,
            Caching(cache, start.gei, processes, console),
            split=split,
            frames_per_second=fps,
        )
        kept_back = split_people(own.label_n)
        generation = Generation(out, people, start.gei, processes, console)
        tuned = go_on(
            start,
            own,
            kept_back,
            FinetuneWalkers(
                rehearsal=generation.walkers("train", TRAINING),
                unseen=generation.walkers("validation", VALIDATION),
                calibration=generation.walkers("calibration", CALIBRATION),
            ),
            out,
            finetune_recipe(start, steps=steps, rate=rate),
            device=device,
            console=console,
        )
    except (ValueError, CheckpointNotReadable, *UNUSABLE) as refused:
        print_problem({"detail": str(refused)}, as_json=as_json)
        raise typer.Exit(1) from refused
    path = out / "checkpoint.safetensors"
    save_checkpoint(tuned.checkpoint, path)
    report = {"checkpoint": str(path), **tuned.report.to_json()}
    (out / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    if as_json:
        print_json(report)
    else:
        _print_report(tuned.report, path)


def _print_report(report: FinetuneReport, path: Path) -> None:
    answers.print(report.table())
    colour = {"helped": "green", "did not help": "red"}.get(report.verdict, "yellow")
    answers.print(
        f"Fine-tuning on {report.trained_walks} walks of {report.trained_people} people:"
        f" [{colour}]{report.verdict}[/]."
    )
    answers.print(
        f"[dim]{report.passing_strangers:.2%} of the comparisons of two different people kept back"
        " pass the new threshold for 1 %.[/]"
    )
    answers.print(f"Written: {path}, beside it report.json.")

"""`walkprint train`: from walks to a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands import training_options as options
from app.commands.options import DEFAULT_CACHE, AsJson, FramesPerSecond, RecordingsCache
from app.commands.output import answers, notes, print_json, print_problem, print_table

if TYPE_CHECKING:
    from model.train_config import TrainConfig


def train(
    folder: options.DataFolder = None,
    out: Annotated[
        Path,
        typer.Option(
            file_okay=False, help="For walkers, state and checkpoint; the same again goes on."
        ),
    ] = Path("runs/default"),
    dataset: options.Dataset = "walkers",
    split: options.Split = "74-50",
    people: options.People = None,
    cache: RecordingsCache = DEFAULT_CACHE,
    fps: FramesPerSecond = None,
    network: options.Network = None,
    input_size: options.InputSize = None,
    embedding_size: options.EmbeddingSize = None,
    strips: options.Strips = None,
    last_stride: options.LastStride = None,
    initial: options.Initial = None,
    paper: options.Paper = False,
    optimizer: options.Optimizer = None,
    schedule: options.Schedule = None,
    rate: options.Rate = None,
    steps: options.Steps = None,
    batch: options.BatchSize = None,
    average: options.WeightAverage = None,
    label_smoothing: options.LabelSmoothing = None,
    triplet_margin: options.TripletMargin = None,
    seed: options.Seed = None,
    show_recipe: options.ShowRecipe = False,
    precision: options.NumberFormat = None,
    compiled: options.Compile = False,
    device: options.Device = "cpu",
    threads: options.Threads = None,
    processes: options.Processes = 2,
    as_json: AsJson = False,
) -> None:
    """Train a network and write a checkpoint; by default as the shipped weights were trained.

    Settings that are not given stay those of the recipe (--show-recipe). Killed and started again
    with the same options, a run goes on where its last saved state stands. Figures go to
    OUT/log.csv and, where the package tensorboard is installed, to OUT/tensorboard.

    \b
    Examples:
      walkprint train --out runs/default
      walkprint train --out runs/try --people 100 --steps 200 --optimizer sgd
      walkprint train --dataset casia-b casia-b/ --out runs/casia-b
      walkprint train --paper --network resnet50 --dataset casia-b --split closed casia-b/
    """
    import torch

    from model.batches import TrainingWalks, check_sources
    from model.checkpoint import CheckpointNotReadable, load_checkpoint, save_checkpoint
    from model.datasets.recorded_set import Caching
    from model.datasets.recordings import UNUSABLE
    from model.gei import GeiConfig
    from model.paper_recipe import PAPER_PEOPLE, paper_recipe
    from model.people_recipe import TERMS, make_checkpoint_of_people
    from model.people_walks import people_walks
    from model.ranks import join_ranks
    from model.recipe import (
        CALIBRATION,
        DEFAULT_PEOPLE,
        DEFAULT_RECIPE,
        TRAINING,
        Generation,
        make_checkpoint,
    )
    from model.train import train as train_network

    recipe = options.recipe_of(
        paper_recipe() if paper else DEFAULT_RECIPE,
        network=network,
        input_size=input_size,
        embedding_size=embedding_size,
        strips=strips,
        last_stride=last_stride,
        optimizer=optimizer,
        batch=batch,
        schedule=schedule,
        peak_rate=rate,
        steps=steps,
        weight_average=average,
        label_smoothing=label_smoothing,
        triplet_margin=triplet_margin,
        precision=precision,
        seed=seed,
    )
    if precision == "float16" and device == "cpu":
        raise typer.BadParameter("--precision float16 needs a GPU; take bfloat16 on the CPU.")
    if paper and not as_json:
        _print_paper_choices()
    if show_recipe:
        _print_recipe(recipe, as_json=as_json)
        return
    if threads is not None:
        torch.set_num_threads(threads)
    ranks = join_ranks(device)
    console = notes if ranks.writes and not as_json else None
    generation = Generation(
        out,
        people or (PAPER_PEOPLE if paper else DEFAULT_PEOPLE),
        GeiConfig(height=recipe.network.height, width=recipe.network.width),
        processes,
        console,
    )
    try:
        start = load_checkpoint(initial) if initial is not None else None
        with ranks.first_one_first():
            if dataset == "walkers":
                walks = generation.walkers("train", TRAINING)
            else:
                if folder is None:
                    raise typer.BadParameter(f"--dataset {dataset} needs a folder.")
                notes.print(f"[dim]{TERMS}[/]")
                walks = people_walks(
                    dataset,
                    folder,
                    Caching(cache, generation.gei, processes, console),
                    split=split,
                    frames_per_second=fps,
                )
        # Before more walkers are generated: that takes minutes.
        check_sources(recipe, (TrainingWalks(walks),))
        if not ranks.writes:  # the first process calibrates, writes and answers
            train_network(recipe, walks, out, initial=start, device=device, compiled=compiled)
            return
        if recipe.network.embedding_size is None:
            trained = train_network(
                recipe,
                walks,
                out,
                initial=start,
                device=device,
                compiled=compiled,
                console=console,
            )
            _print_classifier(out / "state.pt", trained.record, as_json=as_json)
            return
        if dataset == "walkers":
            checkpoint = make_checkpoint(
                recipe,
                generation,
                initial=start,
                device=device,
                compiled=compiled,
            )
        else:
            checkpoint = make_checkpoint_of_people(
                recipe,
                walks,
                generation.walkers("calibration", CALIBRATION),
                out,
                initial=start,
                device=device,
                compiled=compiled,
                console=console,
            )
    except (ValueError, CheckpointNotReadable, *UNUSABLE) as refused:
        print_problem({"detail": str(refused)}, as_json=as_json)
        raise typer.Exit(1) from refused
    path = out / "checkpoint.safetensors"
    save_checkpoint(checkpoint, path)
    if as_json:
        print_json({"checkpoint": str(path), "training": checkpoint.training})
    else:
        answers.print(f"[green]Written[/]: {path}")
        answers.print(f"Try it: walkprint evaluate --checkpoint {path}")


def _print_classifier(state: Path, record: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json({"state": str(state), "training": record})
        return
    answers.print(f"[green]Trained[/]: {state}")
    answers.print(
        f"It tells the {record['people']} people apart that it was trained on and knows nobody"
        " else, so there is no checkpoint to serve with."
    )


def _print_paper_choices() -> None:
    from model.paper_recipe import paper_choices

    rows = [
        (choice.setting, choice.stated, choice.chosen, choice.why) for choice in paper_choices()
    ]
    print_table("The paper's recipe", ("", "stated", "chosen by us", "why"), rows)


def _print_recipe(recipe: TrainConfig, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(recipe))
        return
    rows = []
    for name, value in asdict(recipe).items():
        inner = value.items() if isinstance(value, dict) else (("", value),)
        rows += [(f"{name} {part}".strip().replace("_", " "), str(one)) for part, one in inner]
    print_table("Recipe", ("setting", "value"), rows)

"""Options of `walkprint train`, and the recipe they add up to.

An option that is not given stays as the base recipe has it: that of the shipped weights, or the
paper's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from model.train_config import TrainConfig

Architecture = Literal["l-resnet50", "resnet50"]

_DATA, _NETWORK, _RECIPE, _MACHINE = "Data", "Network", "Recipe", "Machine"


def _usable_device(name: str) -> str:
    if name != "cpu":
        import torch

        try:
            torch.empty(0, device=name)
        except (AssertionError, RuntimeError) as error:  # a torch without CUDA asserts
            reason = str(error).partition("\n")[0]
            raise typer.BadParameter(f"{name} cannot be used here: {reason}") from error
    return name


DataFolder = Annotated[
    Path | None,
    typer.Argument(exists=True, file_okay=False, help="Of casia-b, casia-a and tree."),
]
Dataset = Annotated[
    Literal["walkers", "casia-b", "casia-a", "tree"],
    typer.Option(
        rich_help_panel=_DATA,
        help="Whom to learn: generated walkers, your copy of CASIA-B or CASIA-A, or a tree"
        " <subject>/<walk> of your own.",
    ),
]
Split = Annotated[
    Literal["74-50", "closed"],
    typer.Option(
        rich_help_panel=_DATA,
        help="Of casia-b: subjects 001–074, or the paper's closed set (nm-01…04 of everybody,"
        " views 36° to 144°).",
    ),
]
People = Annotated[
    int | None,
    typer.Option(min=16, max=1_000_000, rich_help_panel=_DATA, help="Generated walkers to learn."),
]
Network = Annotated[
    Architecture | None,
    typer.Option("--network", rich_help_panel=_NETWORK, help="Light modules, or plain."),
]
InputSize = Annotated[
    str | None,
    typer.Option(
        "--input", metavar="HxW", rich_help_panel=_NETWORK, help="GEI in pixels: 64x44 or 128x88."
    ),
]
EmbeddingSize = Annotated[
    int | None,
    typer.Option(min=2, max=2048, rich_help_panel=_NETWORK, help="Values of the embedding."),
]
Strips = Annotated[
    int | None,
    typer.Option(min=1, max=8, rich_help_panel=_NETWORK, help="Of the body, each embedded alone."),
]
LastStride = Annotated[
    Literal[1, 2] | None,
    typer.Option(rich_help_panel=_NETWORK, help="Of the last stage; 1 keeps a finer map."),
]
Initial = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        rich_help_panel=_NETWORK,
        help="Checkpoint to start from: its trunk, and its embedding where the shape is the same.",
    ),
]
Paper = Annotated[
    bool,
    typer.Option(
        "--paper",
        rich_help_panel=_RECIPE,
        help="Start from the paper's recipe: a plain classifier, cross-entropy only. Prints what"
        " the paper states and what was chosen.",
    ),
]
Optimizer = Annotated[
    Literal["adamw", "sgd"] | None,
    typer.Option(
        rich_help_panel=_RECIPE, help="Brings its usual rate, weight decay and schedule along."
    ),
]
Schedule = Annotated[
    Literal["cosine", "steps"] | None,
    typer.Option(rich_help_panel=_RECIPE, help="How the rate falls."),
]
Rate = Annotated[
    float | None, typer.Option(min=0.0, rich_help_panel=_RECIPE, help="Highest learning rate.")
]
Steps = Annotated[int | None, typer.Option(min=1, rich_help_panel=_RECIPE, help="Batches.")]
BatchSize = Annotated[
    str | None,
    typer.Option(
        "--batch", metavar="PxK", rich_help_panel=_RECIPE, help="People, and walks of each: 16x4."
    ),
]
WeightAverage = Annotated[
    float | None,
    typer.Option(
        "--average",
        rich_help_panel=_RECIPE,
        help="Decay of a running average of the weights (EMA), such as 0.999.",
    ),
]
LabelSmoothing = Annotated[
    float | None,
    typer.Option(min=0.0, max=0.9, rich_help_panel=_RECIPE, help="Of the cross-entropy."),
]
TripletMargin = Annotated[
    float | None,
    typer.Option(min=0.0, max=2.0, rich_help_panel=_RECIPE, help="Between distances, 0 to 2."),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, rich_help_panel=_RECIPE, help="Of initial weights and batches."),
]
ShowRecipe = Annotated[
    bool,
    typer.Option("--show-recipe", rich_help_panel=_RECIPE, help="Print every setting and stop."),
]
NumberFormat = Annotated[
    Literal["float64", "float32", "bfloat16", "float16"] | None,
    typer.Option(
        "--precision",
        rich_help_panel=_MACHINE,
        help="Of the forward pass; float16 needs a GPU, float64 is for comparisons.",
    ),
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile", rich_help_panel=_MACHINE, help="Two minutes at first, then 6 % faster (CPU)."
    ),
]
Device = Annotated[
    str,
    typer.Option(
        rich_help_panel=_MACHINE,
        callback=_usable_device,
        help="cpu or cuda, as torch names it.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, rich_help_panel=_MACHINE, show_default="all cores", help="Of torch."),
]
Processes = Annotated[
    int, typer.Option(min=1, rich_help_panel=_MACHINE, help="That generate or read walks.")
]


def recipe_of(
    base: TrainConfig,
    *,
    network: Architecture | None,
    input_size: str | None,
    embedding_size: int | None,
    strips: int | None,
    last_stride: Literal[1, 2] | None,
    optimizer: Literal["adamw", "sgd"] | None,
    batch: str | None,
    **settings: Any,
) -> TrainConfig:
    """The base recipe with what was asked for on top.

    Raises:
        typer.BadParameter: the settings contradict each other, or a pair of numbers is none.
    """
    from dataclasses import replace

    from model.train_config import with_optimizer

    height, width = _pair(input_size, "--input", "64x44") or (None, None)
    people, walks = _pair(batch, "--batch", "16x4") or (None, None)
    shape = {
        "architecture": network,
        "height": height,
        "width": width,
        "embedding_size": embedding_size,
        "strips": strips,
        "last_stride": last_stride,
    }
    settings |= {"subjects_per_batch": people, "walks_per_subject": walks}
    try:
        usual = base if optimizer is None else with_optimizer(base, optimizer)
        return replace(usual, network=replace(base.network, **_given(shape)), **_given(settings))
    except ValueError as contradiction:
        raise typer.BadParameter(f"{contradiction}.") from contradiction


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _pair(words: str | None, option: str, example: str) -> tuple[int, int] | None:
    if words is None:
        return None
    first, _, second = words.lower().replace("×", "x").partition("x")
    if not (first.isdecimal() and second.isdecimal() and int(first) and int(second)):
        raise typer.BadParameter(f"{option} is two whole numbers such as {example}, not {words}.")
    return int(first), int(second)

"""`walkprint train`: from nothing to a checkpoint, on generated walkers only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import AsJson
from app.commands.output import answers, notes, print_json, print_problem


def train(
    out: Annotated[
        Path, typer.Option(help="For walks, state and checkpoint; the same again goes on.")
    ] = Path("runs/default"),
    people: Annotated[int, typer.Option(min=16, max=1_000_000, help="To train on.")] = 2000,
    steps: Annotated[int, typer.Option(min=1, help="Batches of 64 walks.")] = 3600,
    embedding_size: Annotated[int, typer.Option(min=2, max=2048, help="D.")] = 256,
    device: Annotated[str, typer.Option(help="cpu or cuda, as torch names it.")] = "cpu",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of torch on the CPU. [default: all cores]")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="That generate walkers.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of initial weights and batches.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Train L-ResNet-50 on people who never lived, calibrate it and write a checkpoint.

    Killed and started again with the same options, it goes on where its last saved state stands.
    The defaults are the recipe of the shipped weights.

    \b
    Examples:
      walkprint train --out runs/default
      walkprint train --out runs/try --people 100 --steps 200
      walkprint serve --checkpoint runs/try/checkpoint.safetensors
    """
    from dataclasses import replace

    import torch

    from model.checkpoint import save_checkpoint
    from model.datasets.shard_building import WalkSetMismatch
    from model.recipe import DEFAULT_RECIPE, make_checkpoint

    if threads is not None:
        torch.set_num_threads(threads)
    network = replace(DEFAULT_RECIPE.network, embedding_size=embedding_size)
    try:
        checkpoint = make_checkpoint(
            out,
            replace(DEFAULT_RECIPE, network=network, steps=steps, seed=seed),
            people=people,
            released_size=embedding_size,
            processes=processes,
            device=device,
            console=None if as_json else notes,
        )
    except (ValueError, WalkSetMismatch) as another_recipe:
        print_problem({"detail": str(another_recipe)}, as_json=as_json)
        raise typer.Exit(1) from another_recipe
    path = out / "checkpoint.safetensors"
    save_checkpoint(checkpoint, path)
    if as_json:
        print_json({"checkpoint": str(path), "training": checkpoint.training})
    else:
        answers.print(f"[green]Written[/]: {path}")
        answers.print(f"Try it: walkprint evaluate --checkpoint {path}")

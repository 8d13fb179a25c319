"""Checkpoints that recognise people and are not the shipped one, made of it in a moment."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from model.checkpoint import (
    Checkpoint,
    build_checkpoint,
    default_checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)


@cache
def other_checkpoint(seed: int = 1, *, height: int = 64, width: int = 44) -> Checkpoint:
    """The shipped network with its embedding shaken, for images of that size.

    Its trunk pools whatever size comes in, so the weights fit any.
    """
    shipped = load_checkpoint(default_checkpoint_path())
    factors_d = np.random.default_rng(seed).uniform(0.5, 1.5, len(shipped.weights["neck.weight"]))
    shaken_d = (shipped.weights["neck.weight"] * factors_d).astype(np.float32)
    return build_checkpoint(
        network=replace(shipped.network, height=height, width=width),
        gei=replace(shipped.gei, height=height, width=width),
        mirror_average=False,
        calibration=shipped.calibration,
        metrics={},
        training={"made_for": "a test", "seed": seed},
        weights={**shipped.weights, "neck.weight": shaken_d},
    )


@cache
def checkpoint_file(seed: int = 1, *, height: int = 64, width: int = 44) -> bytes:
    """The file that holds such a checkpoint."""
    return written(other_checkpoint(seed, height=height, width=width))


def written(checkpoint: Checkpoint) -> bytes:
    """The file that holds a checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        save_checkpoint(checkpoint, path)
        return path.read_bytes()


@cache
def shipped_id() -> str:
    """Of the checkpoint in the package."""
    return load_checkpoint(default_checkpoint_path()).checkpoint_id

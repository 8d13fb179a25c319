"""One process of a training, for `torchrun`: FOLDER WALKERS FORMAT [STEP at which
all are killed]."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias, cast

import torch

from model.checkpoint import Checkpoint, default_checkpoint_path, load_checkpoint
from model.datasets.walker_recipe import WalkerSetConfig
from model.datasets.walker_set import build_walker_set
from model.gei import GeiConfig
from model.network_config import NetworkConfig
from model.train import train
from model.train_config import TrainConfig

Wide: TypeAlias = Literal["float32", "float64"]

WALKERS = WalkerSetConfig(
    identities=6,
    walks_per_identity=2,
    frames=30,
    fault_share=0.0,
    gei=GeiConfig(height=32, width=22),
)
_FOUR_STEPS = TrainConfig(
    network=NetworkConfig(height=32, width=22, embedding_size=16),
    steps=4,
    subjects_per_batch=4,
    walks_per_subject=4,
    warmup_steps=2,
)
RECIPES: dict[Wide, TrainConfig] = {
    "float64": replace(_FOUR_STEPS, precision="float64"),
    "float32": replace(_FOUR_STEPS, precision="float32"),
}


def initial() -> Checkpoint:
    """The shipped weights.

    A new network's blocks begin as their shortcuts, with zeros that lie on the bend of a ReLU: the
    last bit decides there, and one process does not keep to its own curve either.
    """
    return load_checkpoint(default_checkpoint_path())


if __name__ == "__main__":
    killed_at = int(sys.argv[4]) if len(sys.argv) > 4 else None

    def kill(done: int) -> None:
        if done == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    torch.set_num_threads(1)
    walkers = build_walker_set(WALKERS, Path(sys.argv[2]), processes=1)
    train(
        RECIPES[cast("Wide", sys.argv[3])],
        walkers,
        Path(sys.argv[1]),
        initial=initial(),
        save_every_seconds=0.0 if killed_at else 120.0,
        log_every_steps=1,
        on_step=kill,
    )

"""The state of a run on disk: everything a killed training needs to go on exactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from model.network import GaitNetwork


@dataclass(slots=True)
class TrainState:
    """What changes from step to step.

    Attributes:
        identity: recipe, data and initial weights; a run goes on with the same ones only.
        network: what is trained.
        optimizer: with its moments.
        average: of the weights, where the recipe wants one.
        scaler: of the loss; does nothing but with float16.
        step: steps done.
        seconds: of training so far.
    """

    identity: dict[str, object]
    network: GaitNetwork
    optimizer: Optimizer
    average: AveragedModel | None
    scaler: GradScaler
    step: int = 0
    seconds: float = 0.0

    @property
    def result(self) -> GaitNetwork:
        """The network that the run gives: the average of the weights, or the last ones."""
        if self.average is None:
            return self.network
        return cast("GaitNetwork", self.average.module)

    def save(self, path: Path) -> None:
        """Writes the state whole or not at all."""
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "identity": self.identity,
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "average": None if self.average is None else self.average.state_dict(),
                "scaler": self.scaler.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
            },
            partial,
        )
        partial.replace(path)

    def resume(self, path: Path, device: str) -> None:
        """Takes up what `save` wrote, where it has.

        Raises:
            ValueError: it is the state of another recipe, data set or initial checkpoint.
        """
        if not path.exists():
            return
        saved = torch.load(path, map_location=device, weights_only=True)
        if saved["identity"] != self.identity:
            msg = (
                f"{path.parent} holds a run of another recipe, data set or initial checkpoint;"
                " choose another folder"
            )
            raise ValueError(msg)
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(saved["average"])
        self.scaler.load_state_dict(saved["scaler"])
        self.step, self.seconds = saved["step"], saved["seconds"]

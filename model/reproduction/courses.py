"""Trains both networks in turns, so that whatever else the machine does slows both alike.

Shape letter: S steps.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress, TaskID

from model.datasets.walk_set import WalkSet
from model.network import GaitNetwork
from model.network_config import Architecture
from model.progress import progress_bars
from model.reproduction.report import NETWORK_NAMES
from model.train import train
from model.train_config import TrainConfig

TURN_STEPS = 25
SMOOTHED_STEPS = 10  # one batch's loss says little
CONVERGED_SHARE = 0.1  # of the loss of guessing


@dataclass(frozen=True, slots=True)
class Course:
    """One network's training.

    Attributes:
        network: trained, in evaluation mode.
        cross_entropy_s: (S,) of each batch, in nats.
        seconds_s: (S,) that each batch took; the first of a turn includes the start of the turn.
    """

    network: GaitNetwork
    cross_entropy_s: NDArray[np.float64]
    seconds_s: NDArray[np.float64]

    @property
    def seconds_per_step(self) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile. The median leaves out the starts of turns; far
        quartiles tell of a busy machine."""
        low, middle, high = np.quantile(self.seconds_s, (0.25, 0.5, 0.75)).tolist()
        return low, middle, high

    @property
    def converged_batch(self) -> int | None:
        """From which batch on the smoothed loss stays below a tenth of that of guessing; None if it
        does not."""
        guessing = log(self.network.config.classes or 1)
        high = np.flatnonzero(smoothed(self.cross_entropy_s) >= CONVERGED_SHARE * guessing)
        batch = int(high[-1]) + 2 if high.size else 1  # counted from 1, and the one after
        return batch if batch <= len(self.cross_entropy_s) else None


def smoothed(values_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S,) the mean of each value and the nine before it."""
    sums_s = np.cumsum(values_s)
    sums_s[SMOOTHED_STEPS:] -= sums_s[:-SMOOTHED_STEPS].copy()
    means_s: NDArray[np.float64] = sums_s / np.minimum(
        np.arange(1, len(values_s) + 1), SMOOTHED_STEPS
    )
    return means_s


def train_in_turns(
    recipes: Mapping[Architecture, TrainConfig],
    walks: WalkSet,
    folder: Path,
    *,
    device: str,
    console: Console | None,
) -> dict[Architecture, Course]:
    """Trains each network for some batches, then the next, until all are done; goes on after a
    kill.

    Args:
        recipes: equal in steps, seed and batches, so that all see the same walks.
        walks: whom to learn.
        folder: each network has a folder in it.
        device: torch's name of it.
        console: where the progress bars are drawn; None draws none.

    Raises:
        TooFewPeople: a batch takes more people than there are.
        ValueError: the folder holds trainings by other recipes or on other walks.
    """
    steps = max(recipe.steps for recipe in recipes.values())
    done = min(_steps_logged(folder / architecture) for architecture in recipes)
    last_turn = ceil(steps / TURN_STEPS)
    first_turn = min(done // TURN_STEPS + 1, last_turn)
    networks = {}
    with progress_bars(console, "batches") as bars:
        shown = {
            architecture: bars.add_task(NETWORK_NAMES[architecture], total=steps, completed=done)
            for architecture in recipes
        }
        for turn in range(first_turn, last_turn + 1):
            for architecture, recipe in recipes.items():
                networks[architecture] = train(
                    recipe,
                    walks,
                    folder / architecture,
                    device=device,
                    log_every_steps=1,
                    until_step=turn * TURN_STEPS,
                    on_step=_showing(bars, shown[architecture]),
                ).network
    return {
        architecture: _course(network, folder / architecture)
        for architecture, network in networks.items()
    }


def _showing(bars: Progress, bar: TaskID) -> Callable[[int], None]:
    return lambda done: bars.update(bar, completed=done)


def _rows(folder: Path) -> list[dict[str, str]]:
    path = folder / "log.csv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _steps_logged(folder: Path) -> int:
    rows = _rows(folder)
    return int(rows[-1]["step"]) if rows else 0


def _course(network: GaitNetwork, folder: Path) -> Course:
    rows = _rows(folder)
    seconds_s = np.array([float(row["seconds"]) for row in rows])
    return Course(
        network=network,
        cross_entropy_s=np.array([float(row["cross_entropy"]) for row in rows]),
        seconds_s=np.diff(seconds_s, prepend=0.0),
    )

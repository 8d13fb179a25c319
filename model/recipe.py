"""The default weights, from nothing: generate walkers, train, calibrate.

Every step leaves its result in the run's folder and is skipped when it lies there, so an
interrupted run goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rich.console import Console

from model.checkpoint import Checkpoint
from model.datasets.walk_set import WalkSet
from model.datasets.walker_recipe import WalkerSetConfig
from model.datasets.walker_set import build_walker_set
from model.evaluate import CALIBRATION_IDENTITY, VALIDATION_IDENTITY
from model.gei import GeiConfig
from model.network_config import NetworkConfig
from model.release import release
from model.train import train
from model.train_config import TrainConfig

WALKS_SEED = 7
FRAMES, FRAMES_SPREAD = 44, 12  # about two gait cycles: room for a random window of 25
FEWEST_PEOPLE = 16  # of a group: a batch takes 16, and a calibration needs 1,000 comparisons

DEFAULT_PEOPLE = 2600
DEFAULT_RECIPE = TrainConfig(
    network=NetworkConfig(embedding_size=256, strips=4, last_stride=1),
    steps=6400,  # an hour and a half on one core with bfloat16
    peak_rate=7e-4,
    triplet_begins=0.08,
)


@dataclass(frozen=True, slots=True)
class Group:
    """People who serve one purpose; no two groups share anybody.

    Attributes:
        first_identity: seed of the first.
        share: how many, as a share of those trained on.
        walks: of each.
        views: as in `WalkerSetConfig`.
    """

    first_identity: int
    share: float
    walks: int
    views: Literal["random", "cameras"] = "random"


TRAINING = Group(0, 1.0, 12)
VALIDATION = Group(VALIDATION_IDENTITY, 0.05, 10)
CALIBRATION = Group(CALIBRATION_IDENTITY, 0.1, 6, "cameras")


@dataclass(frozen=True, slots=True)
class Generation:
    """Where and how a run's walkers are made; a group that lies there already is opened.

    Attributes:
        folder: of the run.
        people: training walkers; the other groups are shares of that.
        gei: how their silhouettes are aligned.
        processes: that generate.
        console: where progress is drawn; None draws none.
        frames: of the shortest walk.
        frames_spread: how many more the longest walk has.
    """

    folder: Path
    people: int = DEFAULT_PEOPLE
    gei: GeiConfig = field(default_factory=GeiConfig)
    processes: int = 2
    console: Console | None = None
    frames: int = FRAMES
    frames_spread: int = FRAMES_SPREAD

    def walkers(self, name: str, group: Group) -> WalkSet:
        """The walkers of one group.

        Raises:
            WalkSetMismatch: the folder holds other walkers.
        """
        recipe = WalkerSetConfig(
            first_identity=group.first_identity,
            identities=max(FEWEST_PEOPLE, round(group.share * self.people)),
            walks_per_identity=group.walks,
            frames=self.frames,
            frames_spread=self.frames_spread,
            views=group.views,
            seed=WALKS_SEED,
            gei=self.gei,
        )
        folder = self.folder / "walkers" / name
        return build_walker_set(recipe, folder, self.processes, console=self.console)


def make_checkpoint(
    config: TrainConfig,
    generation: Generation,
    *,
    initial: Checkpoint | None = None,
    device: str = "cpu",
    compiled: bool = False,
) -> Checkpoint:
    """Trains on walkers and releases a checkpoint; the defaults make the shipped weights.

    Args:
        config: the recipe of the training.
        generation: of the walkers; the run's state and log lie in the same folder.
        initial: weights to start from; None starts from chance.
        device: torch's name of where to train.
        compiled: whether torch compiles the network first.

    Raises:
        ValueError: the folder holds a run of another recipe, or the recipe is a plain classifier's.
        WalkSetMismatch: the folder holds other walkers.
    """
    training = generation.walkers("train", TRAINING)
    validation = generation.walkers("validation", VALIDATION)
    calibration = generation.walkers("calibration", CALIBRATION)
    trained = train(
        config,
        training,
        generation.folder,
        initial=initial,
        device=device,
        compiled=compiled,
        console=generation.console,
    )
    return release(trained, validation=validation, calibration=calibration)

"""The default weights, from nothing: generate walkers, train, sharpen, calibrate.

Every step leaves its result in the run's folder and is skipped when it lies there, so an
interrupted run goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
FRAMES = 48  # nearly two gait cycles: room for a random window of 25
FEWEST_PEOPLE = 16  # of a group: a batch takes 16, and a calibration needs 1,000 comparisons

DEFAULT_PEOPLE = 2000
DEFAULT_RELEASED_SIZE = 256
DEFAULT_RECIPE = TrainConfig(
    network=NetworkConfig(embedding_size=256, last_stride=1),
    steps=3600,  # an hour on one core with bfloat16
)


@dataclass(frozen=True, slots=True)
class Group:
    """People who serve one purpose; no two groups share anybody.

    Attributes:
        first_identity: seed of the first.
        share: how many, as a share of those trained on.
        walks: of each.
    """

    first_identity: int
    share: float
    walks: int


TRAINING = Group(0, 1.0, 12)
REFINEMENT = Group(1_000_000, 0.3, 10)
VALIDATION = Group(VALIDATION_IDENTITY, 0.05, 10)
CALIBRATION = Group(CALIBRATION_IDENTITY, 0.1, 10)


def make_checkpoint(
    folder: Path,
    config: TrainConfig = DEFAULT_RECIPE,
    *,
    people: int = DEFAULT_PEOPLE,
    released_size: int = DEFAULT_RELEASED_SIZE,
    processes: int = 2,
    device: str = "cpu",
    console: Console | None = None,
) -> Checkpoint:
    """Trains and releases a checkpoint; the defaults make the shipped weights.

    Args:
        folder: of the run: generated walkers, resumable state and log lie here.
        config: the recipe of the training.
        people: training walkers; the other groups are shares of that.
        released_size: of the sharpened embedding, at most the trained one.
        processes: that generate walkers.
        device: torch's name of where to train.
        console: where progress is drawn; None draws none.

    Raises:
        ValueError: the folder holds a run of another recipe.
        WalkSetMismatch: the folder holds other walkers.
    """

    def walkers(name: str, group: Group) -> WalkSet:
        recipe = WalkerSetConfig(
            first_identity=group.first_identity,
            identities=max(FEWEST_PEOPLE, round(group.share * people)),
            walks_per_identity=group.walks,
            frames=FRAMES,
            seed=WALKS_SEED,
            gei=GeiConfig(height=config.network.height, width=config.network.width),
        )
        return build_walker_set(recipe, folder / "walkers" / name, processes, console=console)

    training = walkers("train", TRAINING)
    refinement = walkers("refinement", REFINEMENT)
    validation = walkers("validation", VALIDATION)
    calibration = walkers("calibration", CALIBRATION)
    trained = train(config, training, folder, device=device, console=console)
    return release(
        trained,
        refinement=refinement,
        validation=validation,
        calibration=calibration,
        embedding_size=released_size,
    )

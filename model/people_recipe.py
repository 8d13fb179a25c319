"""A checkpoint trained on recordings of real people, calibrated on generated walkers.

Nobody of the data set is kept back for the calibration, so that a protocol that trains on all of
its training people stays what it is. The checkpoint says what its thresholds rest on; a gallery
can be calibrated on its own people.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from model.checkpoint import Checkpoint
from model.datasets.walk_set import WalkSet
from model.release import as_trained, calibrated, commit
from model.train import train
from model.train_config import TrainConfig

TERMS = (
    "These weights come from recordings of real people: what may be done with them is for the"
    " terms of that data and the people in it to say, and the weights are yours alone. The ones"
    " that ship with Walkprint have seen nobody."
)


def make_checkpoint_of_people(
    config: TrainConfig,
    walks: WalkSet,
    calibration: WalkSet,
    folder: Path,
    *,
    initial: Checkpoint | None = None,
    device: str = "cpu",
    compiled: bool = False,
    console: Console | None = None,
) -> Checkpoint:
    """Trains on a data set and calibrates on walkers that nobody trained on.

    Args:
        config: the recipe.
        walks: whom to learn.
        calibration: walkers nobody trained on; their impostor scores become the false-match curve.
        folder: where the run's state and log lie.
        initial: weights to start from; None starts from chance.
        device: torch's name of where to train.
        compiled: whether torch compiles the network first.
        console: where progress is drawn; None draws none.

    Raises:
        TooFewPeople: a batch takes more people than there are.
        ValueError: the folder holds a run of another recipe or data set.
    """
    trained = train(
        config,
        walks,
        folder,
        initial=initial,
        device=device,
        compiled=compiled,
        console=console,
    )
    served = calibrated(as_trained(trained), calibration)
    return replace(served, training={**trained.record, "commit": commit(), "terms": TERMS})

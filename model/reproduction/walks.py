"""The walks that a reproduction runs on: CASIA-B, or generated walkers in its shape.

Shape letters: N walks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from model.datasets.casia_b import build_casia_b
from model.datasets.casia_b_splits import (
    LAST_TRAINED_SUBJECT,
    Split,
    closed_set,
    subjects_74_50,
)
from model.datasets.casia_b_stand_in import FIRST_IDENTITY, StandIn
from model.datasets.recorded_set import Caching
from model.datasets.stand_in_set import build_stand_in
from model.datasets.walk_set import WalkSet
from model.gei import GeiConfig, energy_image
from model.paper_recipe import PAPER_PEOPLE
from model.reproduction.settings import ReproductionSettings
from model.walkers import FaultSettings, Identity, Shot, walk_silhouettes


class TooLittleToReproduce(Exception):
    """The data set lacks the walks that the paper trains on or tests."""


@dataclass(frozen=True, slots=True)
class PaperWalks:
    """The walks and how they are divided.

    Attributes:
        dataset: in words, for labels.
        walks: all of them.
        closed: the paper's split: the same people are trained on and tested.
        across_views: the split by people, 74 of 124 for training.
    """

    dataset: str
    walks: WalkSet
    closed: Split
    across_views: Split


def paper_walks(settings: ReproductionSettings, *, console: Console | None) -> PaperWalks:
    """Reads or generates the walks, or finds them in the output folder.

    Raises:
        NotCasiaB: the folder holds no copy.
        TooLittleToReproduce: too few people can be trained on, or tested.
    """
    caching = Caching(settings.out / "walks", settings.gei, settings.processes, console)
    if settings.casia_b is None:
        dataset = "generated walkers in CASIA-B's shape"
        walks = build_stand_in(StandIn(subjects=settings.people), caching)
        across_views = _first_people(walks)
    else:
        dataset = "CASIA-B"
        walks = build_casia_b(settings.casia_b, caching)
        across_views = subjects_74_50(walks, keep_005=True)
    closed = closed_set(walks)
    trained = set(walks.subject_n[closed.trained_n].tolist())
    if len(trained) < 2 or trained.isdisjoint(walks.subject_n[closed.tested_n].tolist()):
        raise TooLittleToReproduce(
            "The paper trains on nm-01 … 04 from 36° to 144° and tests the other walks of the same"
            f" people. Here are {len(trained)} people to train on; it takes two, and walks to test."
        )
    if settings.cross_view:
        for side, chosen_n in (
            ("trained on", across_views.trained_n),
            ("tested", across_views.tested_n),
        ):
            people = len(np.unique(walks.subject_n[chosen_n]))
            if people < 2:
                raise TooLittleToReproduce(
                    f"Across views, {people} people would be {side}; it takes two."
                )
    return PaperWalks(dataset, walks, closed, across_views)


def _first_people(walks: WalkSet) -> Split:
    """As many of all people are trained on as CASIA-B's protocol takes, 74 of 124."""
    trained = round(walks.subjects * LAST_TRAINED_SUBJECT / PAPER_PEOPLE)
    trained_n = walks.label_n < trained
    return Split(trained_n=trained_n, tested_n=~trained_n)


def generated_gei(config: GeiConfig) -> NDArray[np.uint8]:
    """(H, W) the GEI whose feature maps figure 2 shows: a walker in profile who never lived."""
    silhouettes = walk_silhouettes(
        Identity.from_seed(FIRST_IDENTITY),
        walk_seed=1,
        condition="nm",
        shot=Shot(azimuth_degrees=90.0, frames=60),
        faults=FaultSettings.none(),
    )
    return energy_image(silhouettes, config).gei_hw

"""Fine-tuning on a few people, from the disk to the verdict, in small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.checkpoint import Checkpoint
from model.datasets.walk_set import WalkSet
from model.datasets.walker_recipe import WalkerSetConfig
from model.datasets.walker_set import build_walker_set
from model.finetune import FineTuned, FinetuneWalkers, finetune, finetune_recipe
from model.gei import GeiConfig
from model.network_config import NetworkConfig
from model.people_split import split_people
from tests.model.untrained import untrained_checkpoint

SMALL = GeiConfig(height=32, width=22)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the run and of everybody's walks."""
    return tmp_path_factory.mktemp("finetune")


def _people(folder: Path, first: int, people: int, walks: int) -> WalkSet:
    config = WalkerSetConfig(
        first_identity=first, identities=people, walks_per_identity=walks, frames=26, gei=SMALL
    )
    return build_walker_set(config, folder / str(first), processes=1)


@pytest.fixture(scope="module")
def initial() -> Checkpoint:
    """Weights that have learnt nothing yet."""
    return untrained_checkpoint(NetworkConfig(height=32, width=22, embedding_size=16))


@pytest.fixture(scope="module")
def own(folder: Path) -> WalkSet:
    """The user's people: ten, three walks each."""
    return _people(folder, 100, 10, 3)


@pytest.fixture(scope="module")
def tuned(folder: Path, own: WalkSet, initial: Checkpoint) -> FineTuned:
    """Three steps."""
    walkers = FinetuneWalkers(
        rehearsal=_people(folder, 0, 7, 2),
        unseen=_people(folder, 200, 4, 2),
        calibration=_people(folder, 300, 12, 12),
    )
    recipe = finetune_recipe(initial, steps=3)
    return finetune(initial, own, split_people(own.label_n), walkers, folder / "run", recipe)


def test_the_new_checkpoint_says_where_it_comes_from_and_has_its_own_thresholds(
    tuned: FineTuned, initial: Checkpoint
) -> None:
    made = tuned.checkpoint
    assert made.checkpoint_id != initial.checkpoint_id
    assert made.training["initial"] == initial.checkpoint_id
    assert made.training["people"] == 7 + 7  # three of ten are kept back
    assert "real people" in str(made.training["terms"])
    assert made.training["verdict"] == tuned.report.verdict
    assert made.calibration.subjects == 12
    assert not np.array_equal(
        made.weights["stem.convolution.weight"], initial.weights["stem.convolution.weight"]
    )
    np.testing.assert_array_equal(  # its trunk's statistics do not follow a few people
        made.weights["stem.norm.running_var"], initial.weights["stem.norm.running_var"]
    )


def test_the_report_compares_people_kept_back_other_walks_and_walkers(tuned: FineTuned) -> None:
    report = tuned.report
    assert (report.trained_people, report.strangers) == (7, 3)
    assert report.trained_walks == 7 * 2
    names = [
        [change.name for change in group]
        for group in (report.on_strangers, report.on_kept_back_walks, report.on_walkers)
    ]
    assert names == [["rank-1, leave one out", "EER"], ["rank-1"], ["rank-1, half enrolled", "EER"]]
    for change in (*report.on_strangers, *report.on_kept_back_walks, *report.on_walkers):
        assert 0.0 <= change.before <= 1.0
        assert 0.0 <= change.after <= 1.0
    assert report.verdict == "too few people to tell"
    assert report.before == tuned.checkpoint.training["initial"]
    assert report.after == tuned.checkpoint.checkpoint_id


def test_the_recipe_takes_small_steps_and_freezes_the_trunks_statistics(
    initial: Checkpoint,
) -> None:
    recipe = finetune_recipe(initial, steps=50)
    assert recipe.network == replace(initial.network, classes=None)
    assert recipe.frozen_trunk_statistics
    assert recipe.triplet_begins == 0.0
    assert (recipe.peak_rate, recipe.warmup_steps) == (1e-4, 5)

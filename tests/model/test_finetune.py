"""Fine-tuning on a few people, from the disk to the verdict, in small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from app.walker_files import write_walk
from model.checkpoint import Checkpoint
from model.datasets.recorded_set import Caching
from model.datasets.walk_set import WalkSet
from model.datasets.walker_recipe import WalkerSetConfig
from model.datasets.walker_set import build_walker_set
from model.finetune import FineTuned, FinetuneWalkers, finetune, finetune_recipe
from model.gei import GeiConfig
from model.network_config import NetworkConfig
from model.people_split import split_people
from model.people_walks import people_walks
from model.walkers import Identity, Shot, walk_masks_thw
from tests.model.untrained import untrained_checkpoint

SMALL = GeiConfig(height=32, width=22)
FIRST_SEED = 9_500_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the run and of everybody's walks."""
    return tmp_path_factory.mktemp("finetune")


def _people(
    folder: Path,
    first: int,
    people: int,
    walks: int,
    views: Literal["random", "cameras"] = "random",
) -> WalkSet:
    config = WalkerSetConfig(
        first_identity=first,
        identities=people,
        walks_per_identity=walks,
        views=views,
        frames=26,
        gei=SMALL,
    )
    return build_walker_set(config, folder / str(first), processes=1)


@pytest.fixture(scope="module")
def initial() -> Checkpoint:
    """Weights that have learnt nothing yet."""
    return untrained_checkpoint(NetworkConfig(height=32, width=22, embedding_size=16))


@pytest.fixture(scope="module")
def own(folder: Path) -> WalkSet:
    """The user's people, <subject>/<walk>/*.png: ten, three walks each, and one walk of noise."""
    for person in range(10):
        for walk in range(3):
            masks_thw = walk_masks_thw(
                Identity.from_seed(FIRST_SEED + person),
                walk_seed=walk,
                shot=Shot(frames=40, walker_pixels=60.0),
            )
            target = folder / "people" / f"person-{person}" / f"walk-{walk}"
            write_walk(masks_thw, target, "folder", frames_per_second=25.0)
    noise = folder / "people" / "person-0" / "walk-9.mp4"
    noise.write_bytes(b"no film")
    return people_walks("tree", folder / "people", Caching(folder / "cache", SMALL, processes=1))


@pytest.fixture(scope="module")
def tuned(folder: Path, own: WalkSet, initial: Checkpoint) -> FineTuned:
    """Three steps."""
    walkers = FinetuneWalkers(
        rehearsal=_people(folder, 0, 7, 2),
        unseen=_people(folder, 200, 4, 2),
        calibration=_people(folder, 300, 12, 6, "cameras"),
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
    assert report.refused == {"media-not-readable": 1}
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

"""Both networks are trained in turns, go on after a kill, and say when they have converged."""

from __future__ import annotations

from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pytest

from model.datasets.walk_set import WalkSet
from model.datasets.walker_recipe import WalkerSetConfig
from model.datasets.walker_set import build_walker_set
from model.gei import GeiConfig
from model.network import GaitNetwork
from model.network_config import Architecture, NetworkConfig
from model.reproduction.courses import Course, smoothed, train_in_turns
from model.reproduction.settings import ReproductionSettings
from model.train import train
from model.train_config import TrainConfig

SETTINGS = ReproductionSettings(out=Path("unused"), height=32, width=22, steps=2)


@pytest.fixture(scope="module")
def walkers(tmp_path_factory: pytest.TempPathFactory) -> WalkSet:
    """Three people, two walks each."""
    config = WalkerSetConfig(
        identities=3,
        walks_per_identity=2,
        frames=30,
        fault_share=0.0,
        gei=GeiConfig(height=SETTINGS.height, width=SETTINGS.width),
    )
    return build_walker_set(config, tmp_path_factory.mktemp("walkers"), processes=1)


def _recipes(walks: WalkSet) -> dict[Architecture, TrainConfig]:
    return SETTINGS.recipes(walks.subjects)


def test_both_networks_learn_from_equal_settings_and_batches_no_larger_than_the_people() -> None:
    plain, light = SETTINGS.recipes(3).values()
    assert (plain.network.architecture, light.network.architecture) == ("resnet50", "l-resnet50")
    assert replace(plain, network=light.network) == light
    assert light.subjects_per_batch == 3
    assert light.network.embedding_size is None


def test_a_killed_run_goes_on_to_the_losses_of_one_that_was_not(
    walkers: WalkSet, tmp_path: Path
) -> None:
    recipes = _recipes(walkers)
    train(
        recipes["resnet50"], walkers, tmp_path / "resnet50", log_every_steps=1, until_step=1
    )  # and then the process is killed
    gone_on = train_in_turns(recipes, walkers, tmp_path, device="cpu", console=None)
    whole = train(recipes["resnet50"], walkers, tmp_path / "whole", log_every_steps=1)
    assert [len(course.cross_entropy_s) for course in gone_on.values()] == [2, 2]
    assert (gone_on["resnet50"].seconds_s > 0.0).all()
    for name, weights in whole.network.state_dict().items():
        assert weights.equal(gone_on["resnet50"].network.state_dict()[name]), name


def test_a_folder_of_another_recipe_is_refused(walkers: WalkSet, tmp_path: Path) -> None:
    recipes = _recipes(walkers)
    train(replace(recipes["resnet50"], seed=5), walkers, tmp_path / "resnet50", until_step=1)
    with pytest.raises(ValueError, match="another recipe"):
        train_in_turns(recipes, walkers, tmp_path, device="cpu", console=None)


def test_the_smoothed_loss_is_the_mean_of_ten_batches_or_of_those_there_are() -> None:
    losses_s = np.arange(1.0, 13.0)
    assert smoothed(losses_s)[[0, 1, 9, 11]].tolist() == [1.0, 1.5, 5.5, 7.5]
    assert losses_s[-1] == 12.0  # what is smoothed stays as it was


@pytest.mark.parametrize(
    ("losses", "converged"),
    [
        ([0.0] * 5, 1),
        ([2.0] * 10 + [0.0] * 20, 19),  # 0.2, where batch 18 still has 0.4
        ([0.0] * 30 + [9.0], None),
    ],
)
def test_a_network_has_converged_when_its_loss_stays_below_a_tenth_of_guessing(
    losses: list[float], converged: int | None
) -> None:
    network = GaitNetwork(NetworkConfig(height=32, width=22, embedding_size=None, classes=10))
    assert log(10) / 10 == pytest.approx(0.23, abs=0.01)
    course = Course(network, np.array(losses), np.ones(len(losses)))
    assert course.converged_batch == converged


def test_the_start_of_a_turn_does_not_count_in_the_time_of_a_batch() -> None:
    network = GaitNetwork(NetworkConfig(height=32, width=22, embedding_size=None, classes=10))
    seconds_s = np.array([60.0, 1.0, 2.0, 3.0, 4.0])
    course = Course(network, np.zeros(5), seconds_s)
    assert course.seconds_per_step == (2.0, 3.0, 4.0)

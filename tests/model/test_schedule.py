"""Rates, loss weights and averages of weights, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from model.network_config import NetworkConfig
from model.schedule import learning_rate, triplet_weight
from model.train_config import TrainConfig, with_optimizer
from model.weight_average import weight_average

RECIPE = TrainConfig(steps=100, warmup_steps=20, peak_rate=0.4)


def _rates(config: TrainConfig, *steps: int) -> list[float]:
    return [learning_rate(config, step) for step in steps]


def test_the_cosine_rises_linearly_and_falls_to_nothing() -> None:
    """A quarter of the way down a half circle the rate is (1 + cos 45°) / 2 of its peak."""
    expected = [0.02, 0.2, 0.4, 0.4, 0.4 * 0.853553, 0.2, 0.0]
    assert _rates(RECIPE, 0, 9, 19, 20, 40, 60, 100) == pytest.approx(expected, abs=1e-6)


def test_steps_fall_to_a_tenth_at_each_milestone() -> None:
    recipe = replace(RECIPE, schedule="steps", milestones=(0.5, 0.9))
    assert _rates(recipe, 10, 49, 50, 89, 90, 99) == pytest.approx(
        [0.22, 0.4, 0.04, 0.04, 0.004, 0.004]
    )


def test_the_triplet_loss_fades_in_over_as_many_steps_as_it_waited() -> None:
    recipe = replace(RECIPE, triplet_begins=0.2, triplet_weight=2.0)
    weights = [triplet_weight(recipe, step) for step in (0, 20, 30, 40, 99)]
    assert weights == pytest.approx([0.0, 0.0, 1.0, 2.0, 2.0])
    assert triplet_weight(replace(recipe, triplet_begins=0.0), 0) == 2.0


def test_the_average_follows_closely_first_and_slowly_later() -> None:
    """After n updates it keeps min(decay, (1 + n) / (10 + n)) of itself: 2/11, then 0.2."""
    layer = nn.BatchNorm1d(1)
    average = weight_average(layer, 0.2)
    for value in (1.0, 12.0, 10.0):  # the first update takes the values as they are
        with torch.no_grad():
            layer.weight.fill_(value)
            layer.running_mean.fill_(-value)  # type: ignore[union-attr]  # it has one
        average.update_parameters(layer)
    second = 1.0 * 2 / 11 + 12.0 * 9 / 11
    third = second * 0.2 + 10.0 * 0.8
    averaged = average.module.state_dict()
    assert averaged["weight"].item() == pytest.approx(third)
    assert averaged["running_mean"].item() == pytest.approx(-third)


def test_another_optimizer_brings_its_usual_rate_and_schedule() -> None:
    sgd = with_optimizer(TrainConfig(), "sgd")
    assert (sgd.peak_rate, sgd.weight_decay, sgd.schedule) == (0.03, 5e-4, "steps")
    assert with_optimizer(sgd, "adamw") == TrainConfig()
    assert with_optimizer(replace(sgd, peak_rate=0.5), "sgd").peak_rate == 0.5


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="plain classifier"):
        TrainConfig(network=NetworkConfig(embedding_size=None))
    with pytest.raises(ValueError, match="at least two"):
        TrainConfig(walks_per_subject=1)
    with pytest.raises(ValueError, match="decay of the weights"):
        TrainConfig(weight_average=1.5)
    with pytest.raises(ValueError, match="rising shares"):
        TrainConfig(milestones=(0.9, 0.5))

"""Starting from a checkpoint: what is taken, what stays new, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.initial_weights import take_weights
from model.network import GaitNetwork
from model.network_config import NetworkConfig
from tests.model.untrained import untrained_checkpoint

CONFIG = NetworkConfig(height=32, width=22, embedding_size=16)
UNTRAINED = untrained_checkpoint(CONFIG)
# A new norm is all ones and zeros; these are not.
INITIAL = replace(
    UNTRAINED, weights={name: tensor + 0.5 for name, tensor in UNTRAINED.weights.items()}
)


def _taken(config: NetworkConfig) -> set[str]:
    """Names of the checkpoint's weights that a network of this shape holds afterwards."""
    network = GaitNetwork(replace(config, classes=3))
    take_weights(network, INITIAL)
    state = network.state_dict()
    return {
        name
        for name, tensor in INITIAL.weights.items()
        if name in state and np.array_equal(state[name].numpy(), tensor)
    }


def test_a_network_of_the_same_shape_takes_everything_at_any_input_size() -> None:
    assert _taken(replace(CONFIG, height=64, width=44)) == set(INITIAL.weights)


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIG, strips=4),
        replace(CONFIG, embedding_size=32),
        replace(CONFIG, embedding_size=None),
    ],
    ids=["other strips", "other size", "no embedding"],
)
def test_an_embedding_of_another_shape_stays_new(config: NetworkConfig) -> None:
    kept = {name for name in INITIAL.weights if not name.startswith(("embedding.", "neck."))}
    assert _taken(config) == kept


def test_another_architecture_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit a resnet50"):
        _taken(replace(CONFIG, architecture="resnet50"))

"""A checkpoint with untrained weights, for tests of plumbing. It recognises nobody."""

from __future__ import annotations

import numpy as np
import torch

from model.calibration import Calibration
from model.checkpoint import Checkpoint, build_checkpoint
from model.gei import GeiConfig
from model.network import GaitNetwork
from model.network_config import NetworkConfig


def untrained_checkpoint(config: NetworkConfig, *, seed: int = 0) -> Checkpoint:
    """Random weights with norms that have seen some noise, so that no scale is trivial."""
    torch.manual_seed(seed)
    network = GaitNetwork(config).train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(8, config.channels, config.height, config.width))
    weights = {
        name: tensor.numpy()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    curve = Calibration(
        false_match_rates=(0.5, 0.1, 0.01, 0.001, 1e-6),
        scores=(0.2, 0.4, 0.6, 0.7, 0.9),
        source="invented for a test",
        subjects=2,
        comparisons=2,
    )
    return build_checkpoint(
        network=config,
        gei=GeiConfig(height=config.height, width=config.width),
        mirror_average=False,
        calibration=curve,
        metrics={"note": "none"},
        training={"seed": seed, "peak": float(np.float32(0.5))},
        weights=weights,
    )

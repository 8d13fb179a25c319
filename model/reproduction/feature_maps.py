"""The maps inside a network.

Shape letters: N walks, C channels, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.network import GaitNetwork

Maps: TypeAlias = NDArray[np.float32]

FIRST_LAYERS = {  # of both networks, as `GaitNetwork` names them, in order
    "stem": "1: 7×7 convolution",
    "stages.0.0.reduce": "2: 1×1 of the first block",
    "stages.0.0.spatial": "3: 3×3 of the first block",
}


def feature_maps(
    network: GaitNetwork, layers: Sequence[str], geis_nhw: NDArray[np.uint8], *, device: str = "cpu"
) -> dict[str, Maps]:
    """The maps behind some layers, norm and ReLU included.

    Args:
        network: in evaluation mode.
        layers: names of its modules.
        geis_nhw: uint8 (N, H, W) of the network's input size.
        device: where the network is.

    Returns:
        float32 (N, C, H', W') of each layer.
    """
    found: dict[str, Maps] = {}

    names = {network.get_submodule(name): name for name in layers}

    def keep(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found[names[layer]] = output.float().cpu().numpy().copy()

    handles = [layer.register_forward_hook(keep) for layer in names]
    images_nchw = torch.from_numpy(geis_nhw.astype(np.float32) / np.float32(255.0))[:, None]
    try:
        with torch.inference_mode():
            network(images_nchw.to(device))
    finally:
        for handle in handles:
            handle.remove()
    return found

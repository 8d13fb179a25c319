"""The network on a GPU, as the encoder calls it: float32 in, float32 out, half precision
between."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from model.checkpoint import Checkpoint
from model.network import GaitNetwork


def build_network(checkpoint: Checkpoint) -> GaitNetwork:
    """The checkpoint's network in evaluation mode, with its weights."""
    network = GaitNetwork(checkpoint.network)
    state = {name: torch.from_numpy(tensor) for name, tensor in checkpoint.weights.items()}
    missing, unexpected = network.load_state_dict(state, strict=False)
    lost = [name for name in missing if not name.endswith("num_batches_tracked")]
    if lost or unexpected:
        msg = f"checkpoint does not fit its network: {lost} missing, {unexpected} unexpected"
        raise ValueError(msg)
    return network.eval()


def cuda_forward(checkpoint: Checkpoint) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The forward pass on the first GPU, channels-last, with automatic mixed precision."""
    network = build_network(checkpoint).cuda()
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs

    def forward(images_nchw: NDArray[np.float32]) -> NDArray[np.float32]:
        images = torch.from_numpy(np.ascontiguousarray(images_nchw)).pin_memory()
        with torch.inference_mode(), torch.autocast("cuda", torch.float16):
            embedding = network(images.to("cuda", non_blocking=True)).embedding_nd
        vectors: NDArray[np.float32] = embedding.float().cpu().numpy()
        return vectors

    return forward

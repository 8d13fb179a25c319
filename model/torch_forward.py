"""The network by torch, which is how a GPU runs it: bytes in, float32 out, float16 between.

Shape letters: N walks, C channels, H rows, W columns, D embedding size.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model.checkpoint import Checkpoint
from model.in_flight import Vectors
from model.network import GaitNetwork, LightModule, PlainModule

TorchPrecision: TypeAlias = Literal["float32", "float16", "bfloat16"]

# Convolutions by the norms behind them.
_FOLDED: dict[type[nn.Module], tuple[tuple[str, str], ...]] = {
    LightModule: (("primary", "primary_norm"), ("cheap", "cheap_norm")),
    PlainModule: (("convolution", "norm"),),
}


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


def fold_norms(network: GaitNetwork) -> None:
    """Puts every norm into the convolution before it, which computes the same in fewer passes.

    Args:
        network: in evaluation mode, with its weights in float32; changed in place.
    """
    for part in network.modules():
        for convolution, norm in _FOLDED.get(type(part), ()):
            folded = fuse_conv_bn_eval(getattr(part, convolution), getattr(part, norm))
            setattr(part, convolution, folded)
            setattr(part, norm, nn.Identity())


class TorchForward:
    """The forward pass on one device, channels-last; on a GPU a batch is begun and waited for.

    A GPU gets the bytes of the GEIs from page-locked memory by a stream of its own, so that a batch
    travels while the one before it is computed; pixels are scaled and mirrored over there.

    Args:
        checkpoint: weights and settings.
        device: torch's name of it.
        precision: what convolutions compute in. With the shipped weights bfloat16 lies at the bound
            of 0.999 that is set for a GPU, float16 far above it (docs/gpu.md).
    """

    def __init__(
        self, checkpoint: Checkpoint, device: str, precision: TorchPrecision = "float16"
    ) -> None:
        self._device = torch.device(device)
        self._half = None if precision == "float32" else getattr(torch, precision)
        self._mirror = checkpoint.mirror_average
        network = build_network(checkpoint).requires_grad_(requires_grad=False)
        fold_norms(network)
        network = network.to(self._device)
        if self._half is not None:
            # Autocast would make them anew in every pass: a hundred small kernels.
            for part in network.modules():
                if isinstance(part, nn.Conv2d):
                    part.to(self._half)
        self.network: GaitNetwork = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs
        self._on_gpu = self._device.type == "cuda"
        if self._on_gpu:
            self._arriving = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]  # torch leaves it untyped
            self._computing = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]  # torch leaves it untyped
            torch.cuda.synchronize(self._device)  # the weights came by another stream

    def begin(self, geis_nhw: NDArray[np.uint8]) -> Vectors:
        """Begins a batch, (N, H, W); on a CPU it is done when this returns."""
        # torch takes no array that may not be written to, such as a view of a file.
        geis = torch.from_numpy(np.require(geis_nhw, requirements=("C", "W")))
        if not self._on_gpu:
            vectors_nd: NDArray[np.float32] = self.embed(geis).numpy()
            return lambda: vectors_nd
        return self._begin_on_gpu(geis.pin_memory())

    def embed(self, geis: Tensor) -> Tensor:
        """Embeds bytes that are on the device: uint8 (N, H, W) → float32 (N, D), unit vectors."""
        with torch.inference_mode():
            images_nchw = geis.unsqueeze(1).float().div_(255.0)
            if not self._mirror:
                return self.forward(images_nchw)
            both_nd = self.forward(torch.cat((images_nchw, images_nchw.flip(3))))
            return functional.normalize(both_nd[: len(geis)] + both_nd[len(geis) :])

    def forward(self, images_nchw: Tensor) -> Tensor:
        """The bare forward pass: float32 (N, C, H, W) on the device → float32 (N, D)."""
        images_nchw = images_nchw.contiguous(memory_format=torch.channels_last)
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, self._half, enabled=self._half is not None),
        ):
            embedding_nd: Tensor = self.network(images_nchw).embedding_nd
        return embedding_nd.float()

    def _begin_on_gpu(self, pinned: Tensor) -> Vectors:
        with torch.cuda.stream(self._arriving):
            geis = pinned.to(self._device, non_blocking=True)
        self._computing.wait_stream(self._arriving)
        geis.record_stream(self._computing)
        with torch.cuda.stream(self._computing):
            embedding_nd = self.embed(geis)
            vectors = torch.empty(embedding_nd.shape, dtype=torch.float32, pin_memory=True)
            vectors.copy_(embedding_nd, non_blocking=True)
            # Who waits sleeps: its core has captures to do.
            done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]  # the same
            done.record()

        def wait() -> NDArray[np.float32]:
            done.synchronize()
            # A copy: callers keep vectors for long, and page-locked memory is scarce.
            vectors_nd: NDArray[np.float32] = vectors.numpy().copy()
            return vectors_nd

        return wait

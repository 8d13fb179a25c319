"""The encoder: gait energy images to embeddings. The only door to the network for the service.

On a CPU it runs OpenVINO or ONNX Runtime, which start without torch and embed one GEI in a fraction
of its time (docs/decisions/0001-cpu-runtime.md, 0006-openvino.md); on a GPU it runs torch.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.checkpoint import Checkpoint, default_checkpoint_path, load_checkpoint
from model.cpu_runtimes import (
    Forward,
    Runtime,
    choose_runtime,
    onnxruntime_forward,
    openvino_forward,
)
from model.in_flight import Begin, Encode, Vectors, at_once, in_turn
from model.onnx_graph import onnx_model

ENCODE_AT_ONCE = 256  # GEIs: bounds the memory of a forward pass

Device = Literal["auto", "cpu", "cuda"]


class DeviceNotAvailable(Exception):
    """CUDA was asked for, but this machine has no usable GPU."""


class Encoder:
    """Embeds GEIs with one checkpoint. Built with `Encoder.load` or from a checkpoint in hand.

    Args:
        checkpoint: weights and settings.
        device: "cuda", "cpu", or "auto": the GPU where torch finds one.
        threads: of the CPU forward pass; None takes all cores.
        runtime: on a CPU; "auto" takes OpenVINO where it is installed.

    Attributes:
        checkpoint: as given.
        embedding_size: D.
        device: where the network runs.
        runtime: what runs it: "openvino", "onnxruntime" or, on a GPU, "torch".
        in_flight: batches that are worth beginning before the first of them is waited for.

    Raises:
        DeviceNotAvailable: `device` is "cuda" and there is none.
        RuntimeNotInstalled: `runtime` is "openvino" and it is not installed.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        device: Device = "auto",
        threads: int | None = None,
        runtime: Runtime = "auto",
    ) -> None:
        self.checkpoint = checkpoint
        self.embedding_size = len(checkpoint.weights["neck.weight"])
        self.device: Literal["cpu", "cuda"] = "cuda" if _use_cuda(device) else "cpu"
        self.runtime: Literal["openvino", "onnxruntime", "torch"]
        if self.device == "cuda":
            self.runtime = "torch"
            torch_forward = importlib.import_module("model.torch_forward")
            self._begin: Begin = torch_forward.TorchForward(checkpoint, "cuda").begin
            self.in_flight = 2
        else:
            self.runtime = choose_runtime(runtime)
            on_cpu = openvino_forward if self.runtime == "openvino" else onnxruntime_forward
            self._forward: Forward = on_cpu(onnx_model(checkpoint), threads)
            self._begin = at_once(self._encode_batch)
            self.in_flight = 1

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        *,
        device: Device = "auto",
        threads: int | None = None,
        runtime: Runtime = "auto",
    ) -> Encoder:
        """Loads a checkpoint file; without a path the weights that ship with Walkprint.

        Raises:
            CheckpointNotReadable: no checkpoint lies there.
            DeviceNotAvailable: `device` is "cuda" and there is none.
            RuntimeNotInstalled: `runtime` is "openvino" and it is not installed.
        """
        checkpoint = load_checkpoint(path or default_checkpoint_path())
        return cls(checkpoint, device=device, threads=threads, runtime=runtime)

    def encode(self, geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embeds any number of GEIs, some at a time.

        Args:
            geis_nhw: uint8 (N, H, W) of the size in `checkpoint.gei`; N may be 0.

        Returns:
            float32 (N, D), each row of unit length.

        Raises:
            ValueError: another image size or type.
        """
        self._check(geis_nhw)
        if len(geis_nhw) == 0:
            return np.zeros((0, self.embedding_size), np.float32)
        return np.concatenate(list(in_turn(self._begin, _batches(geis_nhw), self.in_flight)))

    def begin(self, geis_nhw: NDArray[np.uint8]) -> Vectors:
        """Begins to embed GEIs; the answer waits for what `encode` gives.

        A GPU computes meanwhile. A CPU, and batches of more than `ENCODE_AT_ONCE`, are done when
        this returns.

        Raises:
            ValueError: another image size or type.
        """
        if not 0 < len(geis_nhw) <= ENCODE_AT_ONCE:
            return at_once(self.encode)(geis_nhw)
        self._check(geis_nhw)
        return self._begin(geis_nhw)

    def _check(self, geis_nhw: NDArray[np.uint8]) -> None:
        gei = self.checkpoint.gei
        if geis_nhw.dtype != np.uint8 or geis_nhw.shape[1:] != (gei.height, gei.width):
            msg = (
                f"expected uint8 GEIs of {gei.height}×{gei.width},"
                f" not {geis_nhw.dtype} {geis_nhw.shape}"
            )
            raise ValueError(msg)

    def _encode_batch(self, geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        images_nchw = geis_nhw[:, None].astype(np.float32) / np.float32(255.0)
        if not self.checkpoint.mirror_average:
            return self._forward(images_nchw)
        both = self._forward(np.concatenate((images_nchw, images_nchw[..., ::-1])))
        mean_nd = both[: len(geis_nhw)] + both[len(geis_nhw) :]
        unit_nd: NDArray[np.float32] = mean_nd / np.linalg.norm(mean_nd, axis=1, keepdims=True)
        return unit_nd


def in_batches(encode: Encode, geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Encodes any number of GEIs, at most `ENCODE_AT_ONCE` at a time: (N, H, W) → (N, D), N > 0."""
    return np.concatenate([encode(batch_nhw) for batch_nhw in _batches(geis_nhw)])


def _batches(geis_nhw: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return np.split(geis_nhw, range(ENCODE_AT_ONCE, len(geis_nhw), ENCODE_AT_ONCE))


def _use_cuda(device: Device) -> bool:
    """Whether to use the GPU; asks torch only where an NVIDIA driver is loaded."""
    driver_is_loaded = (
        Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()
    )
    if device == "cpu" or (device == "auto" and not driver_is_loaded):
        return False
    available = bool(importlib.import_module("torch").cuda.is_available())
    if device == "cuda" and not available:
        msg = "CUDA was asked for, but torch finds no GPU; use WALKPRINT_DEVICE=cpu or auto"
        raise DeviceNotAvailable(msg)
    return available

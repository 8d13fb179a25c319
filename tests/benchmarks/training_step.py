"""One training step of both networks, in the ways torch can run it.

Shape letters: N walks in a batch, C channels, H rows, W columns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional

from model.network import GaitNetwork
from model.network_config import NetworkConfig
from tests.benchmarks.timing import interleaved_milliseconds

_CLASSES = 124  # CASIA-B's people


@dataclass(frozen=True, slots=True)
class StepSize:
    """The batch of a step: (N, C, H, W)."""

    batch: int
    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        """As the table names it."""
        return f"{self.batch} × {self.channels}×{self.height}×{self.width}"


@dataclass(frozen=True, slots=True)
class StepMode:
    """How torch runs the step."""

    channels_last: bool
    bfloat16: bool
    compiled: bool = False

    def __str__(self) -> str:
        """As the table names it."""
        words = [
            "compiled" if self.compiled else "eager",
            "bfloat16" if self.bfloat16 else "float32",
            *(["channels-last"] if self.channels_last else []),
        ]
        return ", ".join(words)


EAGER_MODES = tuple(
    StepMode(channels_last, bfloat16)
    for bfloat16 in (False, True)
    for channels_last in (False, True)
)


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Median milliseconds of one step."""

    light: float
    plain: float


def step_times(
    size: StepSize, modes: tuple[StepMode, ...], *, device: str, rounds: int
) -> dict[StepMode, StepTimes]:
    """Both networks in all modes, in turns; forward, cross-entropy, backward and SGD."""
    calls = {
        f"{architecture} {mode}": _step(architecture, size, mode, device)
        for mode in modes
        for architecture in ("l-resnet50", "resnet50")
    }
    # A GPU's work is not this process's CPU time, and a GPU is nobody else's.
    clock = _synchronised_clock if device == "cuda" else time.process_time
    taken = interleaved_milliseconds(calls, rounds, clock)
    return {
        mode: StepTimes(taken[f"l-resnet50 {mode}"], taken[f"resnet50 {mode}"]) for mode in modes
    }


def _synchronised_clock() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()


def _step(architecture: str, size: StepSize, mode: StepMode, device: str) -> Callable[[], None]:
    torch.manual_seed(0)
    kind: Literal["l-resnet50", "resnet50"] = (
        "l-resnet50" if architecture == "l-resnet50" else "resnet50"
    )
    config = NetworkConfig(
        architecture=kind,
        channels=size.channels,
        height=size.height,
        width=size.width,
        embedding_size=256,
        classes=_CLASSES,
    )
    network = GaitNetwork(config).train().to(device)
    layout = torch.channels_last if mode.channels_last else torch.contiguous_format
    network = network.to(memory_format=layout)  # type: ignore[call-overload]  # not in torch's stubs
    forward = torch.compile(network) if mode.compiled else network
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    images_nchw = torch.rand(size.batch, size.channels, size.height, size.width, device=device)
    images_nchw = images_nchw.contiguous(memory_format=layout)
    labels_n = torch.arange(size.batch, device=device) % _CLASSES

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=mode.bfloat16):
            logits_nk = forward(images_nchw).logits_nk
        loss = functional.cross_entropy(logits_nk.float(), labels_n)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        optimizer.step()

    return step

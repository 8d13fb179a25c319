"""What the networks cost, beside what they could cost: `make bench-model`.

    python -m tests.benchmarks.bench_model [--rounds 5] [--compiled]

One thread on one core; sides that are compared take turns in one run (see
`tests.benchmarks.timing`), so read the ratios, not the milliseconds. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model.cpu_runtimes import onnxruntime_forward, openvino_forward
from model.datasets.walker_recipe import WalkerSetConfig, takes_of
from model.network import GaitNetwork, multiply_adds
from model.network_config import NetworkConfig
from model.onnx_graph import onnx_model
from model.torch_forward import build_network
from tests.benchmarks.gaitbase_sized import FRAMES, HEIGHT, WIDTH, gaitbase_sized
from tests.benchmarks.timing import cpu_milliseconds
from tests.benchmarks.training_step import EAGER_MODES, StepMode, StepSize, step_times
from tests.model.untrained import untrained_checkpoint

_SERVED = NetworkConfig(embedding_size=256, last_stride=1)
_EMBEDDED = (
    _SERVED,
    NetworkConfig(embedding_size=256, last_stride=1, architecture="resnet50"),
    NetworkConfig(embedding_size=256, height=128, width=88),
    NetworkConfig(embedding_size=256, height=128, width=88, architecture="resnet50"),
)
_BATCHES = (1, 32)
_STEPS = (StepSize(64, 1, 64, 44), StepSize(16, 1, 128, 88), StepSize(8, 3, 224, 224))
_FIRST_WALKER = 9_800_000
_WALKERS = 6
_MATRIX = 1024


@dataclass(frozen=True, slots=True)
class PaperSize:
    """Table 4 of the paper."""

    parameters: str
    multiply_adds: str


_PAPER = {
    "resnet50": PaperSize("25.6 M", "4.1 G"),
    "l-resnet50": PaperSize("13.0 M", "2.2 G"),
}


def main() -> None:
    """Runs everything and prints the tables."""
    if "OMP_NUM_THREADS" not in os.environ:
        # The libraries read it when they are loaded.
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.benchmarks.bench_model", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **threads})  # noqa: S606 (ourselves)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each call")
    parser.add_argument("--compiled", action="store_true", help="torch.compile too: minutes more")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=110)
    _print_sizes(console)
    _print_embedding(console, 3 * arguments.rounds)
    _print_gaitbase(console, arguments.rounds)
    _print_walkers(console)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    modes = EAGER_MODES + ((StepMode(True, False, compiled=True),) if arguments.compiled else ())
    for device in devices:
        _print_steps(console, device, modes, arguments.rounds)


def _print_sizes(console: Console) -> None:
    table = _table("Sizes, 3×224×224, 1000 classes", "network", "parameters", "multiply-adds")
    table.add_column("paper", justify="right", style="italic")
    for config in (
        NetworkConfig("resnet50", 3, 224, 224, None, 1000),
        NetworkConfig("l-resnet50", 3, 224, 224, None, 1000),
        NetworkConfig("l-resnet50", 3, 224, 224, 512, 124),
    ):
        network = GaitNetwork(config)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        paper = _PAPER[config.architecture]
        name: str = config.architecture
        if config.embedding_size is not None:
            name += f", {config.embedding_size}-d embedding, {config.classes} classes"
        table.add_row(
            name,
            f"{parameters / 1e6:.3f} M",
            f"{multiply_adds(network) / 1e9:.3f} G",
            f"{paper.parameters}, {paper.multiply_adds}",
        )
    console.print(table)


def _print_embedding(console: Console, rounds: int) -> None:
    table = _table(
        "CPU embedding, ms per GEI and core (float32 limit: the faster sgemm of the same turns)",
        *("network", "batch", "runtime", "ms", "limit ms", "time / limit", "must be"),
    )
    for config in _EMBEDDED:
        for batch in _BATCHES:
            shape = (batch, 1, config.height, config.width)
            images_nchw = np.random.default_rng(0).random(shape, dtype=np.float32)
            calls = _embedders(config, images_nchw)
            calls |= _matrix_products()
            taken = cpu_milliseconds(calls, rounds if batch == 1 else max(3, rounds // 5))
            products = [taken.pop(name) for name in _matrix_products()]
            flops_per_ms = 2.0 * _MATRIX**3 / min(products)
            limit = 2.0 * multiply_adds(GaitNetwork(config)) / flops_per_ms
            fastest = min(taken, key=lambda name: taken[name])
            for name, milliseconds in taken.items():
                each = milliseconds / batch
                table.add_row(
                    f"{config.architecture}, {config.height}×{config.width},"
                    f" last stride {config.last_stride}",
                    str(batch),
                    name,
                    f"{each:.2f}",
                    f"{limit:.2f}",
                    f"{each / limit:.2f}",
                    "≤ 2" if name == fastest else "",
                )
            console.print(
                f"[dim]{config.architecture} {config.height}×{config.width}, batch {batch}:"
                f" sgemm {flops_per_ms / 1e6:.0f} GFLOP/s[/]"
            )
    console.print(table)


def _embedders(
    config: NetworkConfig, images_nchw: NDArray[np.float32]
) -> dict[str, Callable[[], object]]:
    checkpoint = untrained_checkpoint(config)
    graph, network = onnx_model(checkpoint), build_network(checkpoint)
    images = torch.from_numpy(images_nchw)

    def eager() -> object:
        with torch.inference_mode():
            return network(images)

    onnxruntime = onnxruntime_forward(graph, 1)
    in_float32 = openvino_forward(graph, 1, precision="fp32")
    in_bfloat16 = openvino_forward(graph, 1, precision="bf16")
    return {
        "torch, eager": eager,
        "ONNX Runtime": lambda: onnxruntime(images_nchw),
        "OpenVINO, fp32": lambda: in_float32(images_nchw),
        "OpenVINO, bf16": lambda: in_bfloat16(images_nchw),
    }


def _matrix_products() -> dict[str, Callable[[], object]]:
    """A large float32 product by torch's library and by NumPy's: the faster one is the limit."""
    rng = np.random.default_rng(0)
    left, right = (rng.random((_MATRIX, _MATRIX), dtype=np.float32) for _ in range(2))
    left_tensor, right_tensor = torch.from_numpy(left), torch.from_numpy(right)
    return {
        "sgemm of torch": lambda: left_tensor @ right_tensor,
        "sgemm of NumPy": lambda: left @ right,
    }


def _print_gaitbase(console: Console, rounds: int) -> None:
    graph, frame_multiply_adds = gaitbase_sized()
    served = onnx_model(untrained_checkpoint(_SERVED))
    random = np.random.default_rng(0)
    frames_tchw = random.random((FRAMES, 1, HEIGHT, WIDTH), dtype=np.float32)
    gei_nchw = frames_tchw[:1]
    calls: dict[str, Callable[[], object]] = {}
    for name, open_ in (("ONNX Runtime", onnxruntime_forward), ("OpenVINO", openvino_forward)):
        whole_walk, one_gei = open_(graph, 1), open_(served, 1)
        calls[f"{name}: frames"] = lambda forward=whole_walk: forward(frames_tchw)  # type: ignore[misc]  # bound now
        calls[f"{name}: GEI"] = lambda forward=one_gei: forward(gei_nchw)  # type: ignore[misc]  # bound now
    taken = cpu_milliseconds(calls, rounds)
    table = _table(
        f"One GEI beside {FRAMES} frames of a GaitBase-sized network"
        f" ({frame_multiply_adds / 1e9:.2f} G multiply-adds a frame)",
        *("runtime", "frames, ms", "GEI, ms", "ratio", "must be"),
    )
    for name in ("ONNX Runtime", "OpenVINO"):
        frames, gei = taken[f"{name}: frames"], taken[f"{name}: GEI"]
        table.add_row(name, f"{frames:.0f}", f"{gei:.2f}", f"{frames / gei:.0f}", "≥ 30")
    console.print(table)


def _print_walkers(console: Console) -> None:
    config = WalkerSetConfig(walks_per_identity=4)
    started = time.process_time()
    takes = [
        take
        for seed in range(_FIRST_WALKER, _FIRST_WALKER + _WALKERS)
        for take in takes_of(seed, config)
    ]
    frames = len(takes) * config.frames
    milliseconds = 1000.0 * (time.process_time() - started) / frames
    table = _table("Training data", "walks", "frames", "ms per frame and core", "must be")
    table.add_row(str(len(takes)), str(frames), f"{milliseconds:.2f}", "≤ 1.0")
    console.print(table)


def _print_steps(console: Console, device: str, modes: tuple[StepMode, ...], rounds: int) -> None:
    table = _table(
        f"Training step on {device}, ms",
        *("batch", "mode", "L-ResNet-50", "ResNet-50", "ratio", "must be"),
    )
    for size in _STEPS:
        times = step_times(size, modes, device=device, rounds=rounds)
        for mode, taken in times.items():
            table.add_row(
                str(size),
                str(mode),
                f"{taken.light:.0f}",
                f"{taken.plain:.0f}",
                f"{taken.light / taken.plain:.2f}",
                "≤ 0.60",
            )
    console.print(table)
    console.print("[dim]The paper says that training time halves (0.5, [italic]paper[/]).[/]")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        words = column in ("network", "runtime", "mode", "batch")
        table.add_column(column, justify="left" if words else "right")
    return table


if __name__ == "__main__":
    main()

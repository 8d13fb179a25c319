"""What a GPU worker's embedding costs beside the bare forward pass: `make bench-gpu`.

    python -m tests.benchmarks.bench_gpu [--device cuda] [--batches 1 8 32 128 256] [--seconds 5]

The shipped weights and generated walks. On `--device cpu --precision float32` the same code runs
without a GPU, which tries the program and says nothing about GPUs. Nothing is asserted.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from app.telemetry import Metrics
from app.worker.batcher import Batcher
from model.batch_size import largest_batch, measured_pass
from model.checkpoint import Checkpoint, default_checkpoint_path, load_checkpoint
from model.encoder import ENCODE_AT_ONCE, Encoder
from model.export import walker_geis_nhw
from model.in_flight import Encode, in_turn
from model.torch_forward import TorchForward, TorchPrecision
from tests.benchmarks.gpu_watch import watched_gpu
from tests.benchmarks.timing import interleaved_milliseconds

_IN_FLIGHT = 2
_WALKERS = 24
_TARGETS_MS = (5, 10, 20, 50, 100)
_BATCHES_A_TURN = 8


@dataclass(frozen=True, slots=True)
class Device:
    """The shipped weights on what is measured."""

    name: str
    precision: TorchPrecision
    checkpoint: Checkpoint
    forward: TorchForward

    def clock(self) -> float:
        """Seconds, when the device has done all it was given."""
        if self.name == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def bare(self, geis_nhw: NDArray[np.uint8]) -> Callable[[], object]:
        """The forward pass alone: pixels, mirrored where served so, are there before it begins."""
        images_nchw = torch.from_numpy(geis_nhw)[:, None].to(self.name).float() / 255.0
        if self.checkpoint.mirror_average:
            images_nchw = torch.cat((images_nchw, images_nchw.flip(3)))
        return lambda: self.forward.forward(images_nchw)

    def encode(self, geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One batch, begun and waited for."""
        return self.forward.begin(geis_nhw)()


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument(
        "--precision", default="float16", choices=["float16", "bfloat16", "float32"]
    )
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32, 64, 128, 256])
    parser.add_argument("--rounds", type=int, default=20, help="turns of each call")
    parser.add_argument("--seconds", type=float, default=5.0, help="of serving, per batch size")
    parser.add_argument("--a-call", type=int, default=4, help="walks of one caller at a time")
    arguments = parser.parse_args()
    console = Console(width=110)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.exit(2, "torch finds no GPU; --device cpu --precision float32 tries the program\n")
    checkpoint = load_checkpoint(default_checkpoint_path())
    device = Device(
        arguments.device,
        arguments.precision,
        checkpoint,
        TorchForward(checkpoint, arguments.device, arguments.precision),
    )
    name = torch.cuda.get_device_name() if device.name == "cuda" else "a CPU, which is no GPU"
    console.print(
        f"{name}, {device.precision}, torch {torch.__version__}, {checkpoint.checkpoint_id}"
    )
    _print_likeness(console, device)
    _print_latency(console, device, arguments.batches, arguments.rounds)
    _print_choices(console, device.encode, checkpoint)
    _print_serving(console, device, arguments.batches, arguments.seconds, arguments.a_call)


def _print_likeness(console: Console, device: Device) -> None:
    geis_nhw = walker_geis_nhw(device.checkpoint, _WALKERS)
    served_nd = Encoder(device.checkpoint, device="cpu").encode(geis_nhw)
    cosine_n = (device.encode(geis_nhw) * served_nd).sum(axis=1)
    console.print(
        f"Beside what a CPU serves, {_WALKERS} walks: smallest cosine {cosine_n.min():.5f}"
        f" (must be ≥ 0.999), median {np.median(cosine_n):.5f}"
    )


def _print_latency(console: Console, device: Device, batches: list[int], rounds: int) -> None:
    table = _table(
        "Milliseconds a batch; all take turns, so read the ratios",
        *("walks", "bare", "begun and waited for", f"{_IN_FLIGHT} in flight", "bare / in flight"),
    )
    for walks in batches:
        geis_nhw = _geis(device.checkpoint, walks)
        bare = device.bare(geis_nhw)

        def alone(geis_nhw: NDArray[np.uint8] = geis_nhw) -> object:
            return device.encode(geis_nhw)

        def in_flight(geis_nhw: NDArray[np.uint8] = geis_nhw) -> object:
            return list(in_turn(device.forward.begin, [geis_nhw] * _BATCHES_A_TURN, _IN_FLIGHT))

        def bare_ones(bare: Callable[[], object] = bare) -> object:
            return [bare() for _ in range(_BATCHES_A_TURN)]

        taken = interleaved_milliseconds(
            {"bare": bare_ones, "alone": alone, "in flight": in_flight}, rounds, device.clock
        )
        each_bare = taken["bare"] / _BATCHES_A_TURN
        each_in_flight = taken["in flight"] / _BATCHES_A_TURN
        table.add_row(
            str(walks),
            f"{each_bare:.2f}",
            f"{taken['alone']:.2f}",
            f"{each_in_flight:.2f}",
            f"{each_bare / each_in_flight:.2f}",
        )
    console.print(table)


def _print_choices(console: Console, encode: Encode, checkpoint: Checkpoint) -> None:
    seconds_of = measured_pass(encode, checkpoint.gei.height, checkpoint.gei.width)
    taken: dict[int, float] = {}

    def once(walks: int) -> float:
        if walks not in taken:
            taken[walks] = seconds_of(walks)
        return taken[walks]

    chosen = (
        f"{target} ms: {largest_batch(once, target / 1000.0, most_walks=ENCODE_AT_ONCE)}"
        for target in _TARGETS_MS
    )
    console.print("Batch size by latency target:", "; ".join(chosen))


def _print_serving(
    console: Console, device: Device, batches: list[int], seconds: float, a_call: int
) -> None:
    table = _table(
        f"Walks a second through the worker's batcher, callers with {a_call} walks each",
        *(
            "most walks",
            "bare",
            "served",
            "served / bare",
            "must be",
            "mean batch",
            "GPU busy, memory",
        ),
    )
    for walks in batches:
        geis_nhw = _geis(device.checkpoint, walks)
        bare = device.bare(geis_nhw)
        # Half before and half after, so that a GPU that warms up slows both.
        before = _bare_rate(device, bare, walks, seconds / 2)
        with watched_gpu(device.name) as watch:
            served, mean_batch = _served_rate(device, walks, seconds, a_call)
        rate = (before + _bare_rate(device, bare, walks, seconds / 2)) / 2.0
        table.add_row(
            str(walks),
            f"{rate:.0f}",
            f"{served:.0f}",
            f"{served / rate:.2f}",
            "≥ 0.85",
            f"{mean_batch:.1f}",
            str(watch),
        )
    console.print(table)


def _bare_rate(device: Device, bare: Callable[[], object], walks: int, seconds: float) -> float:
    """Walks a second of forward passes one after the other."""
    bare()
    started = device.clock()
    done = 0
    while done == 0 or time.perf_counter() - started < seconds:
        bare()
        # Queues are deep: without this, the clock would say how fast passes are queued.
        if done % _BATCHES_A_TURN == 0:
            device.clock()
        done += 1
    return done * walks / (device.clock() - started)


def _served_rate(
    device: Device, batch_size: int, seconds: float, a_call: int
) -> tuple[float, float]:
    """Walks a second of callers enough to fill the batches in flight and one more, mean batch."""
    metrics = Metrics()
    batcher = Batcher(device.forward.begin, batch_size, metrics, in_flight=_IN_FLIGHT)
    callers = max(2, -(-(_IN_FLIGHT + 1) * batch_size // a_call))
    geis = list(_geis(device.checkpoint, a_call))
    batcher.encode(geis)
    over = threading.Event()

    def call() -> int:
        done = 0
        while not over.is_set():
            done += len(batcher.encode(geis))
        return done

    with ThreadPoolExecutor(callers) as pool:
        started = time.perf_counter()
        calls = [pool.submit(call) for _ in range(callers)]
        time.sleep(seconds)
        over.set()
        done = sum(each.result() for each in calls)
        ended = time.perf_counter()
    batcher.close()
    read = metrics.collection.get_sample_value
    total = read("walkprint_encoder_batch_walks_sum") or 0.0
    count = read("walkprint_encoder_batch_walks_count") or 1.0
    return done / (ended - started), total / count


def _geis(checkpoint: Checkpoint, walks: int) -> NDArray[np.uint8]:
    """Noise (N, H, W): a pass takes as long for it as for walks."""
    shape = (walks, checkpoint.gei.height, checkpoint.gei.width)
    geis_nhw: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return geis_nhw


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right")
    return table


if __name__ == "__main__":
    main()

"""Trains a gait network on generated walkers: resumable, logged, the same steps after a kill.

Every batch is a pure function of (seed, step): P people, K walks of each, a fresh GEI from a
random window of each walk. So a run that was killed goes on exactly where its last saved state
stands.

Shape letters: N walks in a batch, H rows, W columns.
"""

from __future__ import annotations

import csv
import math
import queue
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor
from torch.nn import functional

from model.augment import AugmentConfig, augmented
from model.datasets.walker_set import WalkerSet
from model.losses import batch_hard_triplet
from model.network import GaitNetwork
from model.network_config import NetworkConfig

PREFETCHED_BATCHES = 4


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The recipe. `walkprint train --help` says what each is for.

    Attributes:
        network: what is trained; `classes` is set from the data.
        steps: batches.
        subjects_per_batch: P.
        walks_per_subject: K.
        shortest_window: frames of the shortest random window a GEI is made from.
        peak_rate: highest learning rate of AdamW, after the warm-up.
        warmup_steps: the rate rises linearly over these, then falls to zero as a cosine.
        weight_decay: on convolution and linear weights, not on norms.
        label_smoothing: of the cross-entropy.
        triplet_margin: between Euclidean distances of unit vectors.
        triplet_begins: share of the steps after which the triplet loss fades in, over as many steps
            again; from the start, its hardest pairs hold an untrained embedding at one point.
        augment: what is done to a GEI.
        half_precision: forward and backward in bfloat16 where the device has it.
        seed: of initial weights and batches.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    steps: int = 6000
    subjects_per_batch: int = 16
    walks_per_subject: int = 4
    shortest_window: int = 25
    peak_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    triplet_margin: float = 0.2
    triplet_begins: float = 0.25
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    half_precision: bool = True
    seed: int = 1


class Batch(NamedTuple):
    """Images float32 (N, 1, H, W) in [0, 1] and class numbers int64 (N,)."""

    images_nchw: Tensor
    label_n: Tensor


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """What a run gives: the network in evaluation mode and the record of how it came about."""

    network: GaitNetwork
    record: dict[str, object]


def train(
    config: TrainConfig,
    walkers: WalkerSet,
    folder: Path,
    *,
    device: str = "cpu",
    console: Console | None = None,
    save_every_seconds: float = 120.0,
    on_step: Callable[[int], None] | None = None,
) -> TrainedNetwork:
    """Runs, or goes on with, one training.

    Args:
        config: the recipe; a folder that holds another recipe's state is refused.
        walkers: the training walks.
        folder: state.pt (to resume) and log.csv lie here.
        device: torch's name of it.
        console: where the progress bar is drawn; None draws none.
        save_every_seconds: how much work a kill may cost.
        on_step: called with the number of steps done, after a state was saved where one was due.

    Raises:
        ValueError: the folder holds the state of another recipe or data set.
    """
    torch.manual_seed(config.seed)
    classes = int(walkers.label_n.max()) + 1
    network_config = NetworkConfig(**(asdict(config.network) | {"classes": classes}))
    network = GaitNetwork(network_config).to(device)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs
    optimizer = torch.optim.AdamW(
        _parameter_groups(network, config.weight_decay), lr=config.peak_rate
    )
    identity = {"config": asdict(config), "walkers": walkers.fingerprint}
    folder.mkdir(parents=True, exist_ok=True)
    state_path, step, seconds = folder / "state.pt", 0, 0.0
    if state_path.exists():
        state = torch.load(state_path, map_location=device, weights_only=True)
        if state["identity"] != identity:
            msg = f"{folder} holds a run of another recipe or data set; choose another folder"
            raise ValueError(msg)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        step, seconds = state["step"], state["seconds"]
    log = _Log(folder / "log.csv", after_step=step)
    network.train()
    started = saved = time.monotonic()
    with closing(_prefetched(config, walkers, step)) as batches, _progress(console) as progress:
        bar = progress.add_task("training", total=config.steps, completed=step, loss="")
        while step < config.steps:
            batch = next(batches)
            rate = _rate(config, step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            images = batch.images_nchw.to(device, memory_format=torch.channels_last)
            label = batch.label_n.to(device)
            with torch.autocast(
                torch.device(device).type, torch.bfloat16, enabled=config.half_precision
            ):
                output = network(images)
            cross_entropy = functional.cross_entropy(
                output.logits_nk.float(), label, label_smoothing=config.label_smoothing
            )
            triplet = batch_hard_triplet(output.embedding_nd, label, config.triplet_margin)
            loss = cross_entropy + _triplet_weight(config, step) * triplet
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
            step += 1
            now = time.monotonic()
            if step % 20 == 0 or step == config.steps:
                correct = (output.logits_nk.argmax(1) == label).float().mean()
                log.write(
                    step=step,
                    seconds=round(seconds + now - started, 1),
                    rate=round(rate, 6),
                    cross_entropy=round(cross_entropy.item(), 4),
                    triplet=round(triplet.item(), 4),
                    batch_accuracy=round(correct.item(), 4),
                )
                progress.update(bar, completed=step, loss=f"loss {loss.item():.3f}")
            if now - saved > save_every_seconds or step == config.steps:
                state = {
                    "identity": identity,
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "step": step,
                    "seconds": seconds + now - started,
                }
                torch.save(state, state_path.with_suffix(".partial"))
                state_path.with_suffix(".partial").replace(state_path)
                saved = now
            if on_step is not None:
                on_step(step)
    total_seconds = seconds + time.monotonic() - started
    images_seen = config.steps * config.subjects_per_batch * config.walks_per_subject
    record: dict[str, object] = {
        **identity,
        "people": classes,
        "walks": len(walkers),
        "images_seen": images_seen,
        "seconds": round(total_seconds),
        "torch": torch.__version__,
    }
    return TrainedNetwork(network.eval(), record)


def _parameter_groups(network: GaitNetwork, weight_decay: float) -> list[dict[str, object]]:
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim == 1]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]


def _rate(config: TrainConfig, step: int) -> float:
    if step < config.warmup_steps:
        return config.peak_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return config.peak_rate * 0.5 * (1.0 + math.cos(math.pi * done))


def _triplet_weight(config: TrainConfig, step: int) -> float:
    begins = config.triplet_begins * config.steps
    return float(np.clip((step - begins) / max(begins, 1.0), 0.0, 1.0))


def make_batch(
    config: TrainConfig, walkers: WalkerSet, walks_of: list[NDArray[np.int64]], step: int
) -> Batch:
    """The batch of one step: P people, K walks of each (again and again where one has fewer)."""
    rng = np.random.default_rng((config.seed, step))
    people = rng.choice(len(walks_of), config.subjects_per_batch, replace=False)
    rows: list[NDArray[np.int64]] = []
    for person in people:
        own = walks_of[person]
        rows.append(
            rng.choice(own, config.walks_per_subject, replace=len(own) < config.walks_per_subject)
        )
    indices = np.concatenate(rows)
    longest = int(walkers.frames_n.max())
    geis_nhw = walkers.windows(indices, rng, (config.shortest_window, min(longest, 255)))
    images_nhw = augmented(geis_nhw, rng, config.augment)
    labels_n = np.repeat(people, config.walks_per_subject)
    return Batch(torch.from_numpy(images_nhw[:, None]), torch.from_numpy(labels_n))


def _prefetched(config: TrainConfig, walkers: WalkerSet, first_step: int) -> Generator[Batch]:
    """Batches from `first_step` on, made ahead in a thread; an error there is raised here."""
    label_n = walkers.label_n
    order = np.argsort(label_n, kind="stable")
    walks_of = np.split(order, np.flatnonzero(np.diff(label_n[order])) + 1)
    ready: queue.Queue[Batch | BaseException] = queue.Queue(PREFETCHED_BATCHES)
    stopped = threading.Event()

    def offer(item: Batch | BaseException) -> None:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.5)
            except queue.Full:
                continue
            return

    def fill() -> None:
        try:
            for step in range(first_step, config.steps):
                if stopped.is_set():
                    return
                offer(make_batch(config, walkers, walks_of, step))
        except BaseException as error:  # handed to the training loop, which raises it
            offer(error)

    thread = threading.Thread(target=fill, name="batches", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()


class _Log:
    """log.csv: one row every 20 steps; rows after the resumed step are dropped."""

    def __init__(self, path: Path, *, after_step: int) -> None:
        self._path = path
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= after_step]
            path.unlink()
            for row in rows:
                self.write(**row)

    def write(self, **values: float | int | str) -> None:
        is_new = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(values))
            if is_new:
                writer.writeheader()
            writer.writerow(values)


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} steps"),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=console is None,
    )

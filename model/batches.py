"""The batches of a training, each a pure function of (seed, step), made ahead in a thread.

Shape letters: N walks in a batch, H rows, W columns.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.augment import augmented
from model.datasets.walk_set import LONGEST_WINDOW, WalkSet
from model.train_config import TrainConfig

PREFETCHED_BATCHES = 4


class TooFewPeople(ValueError):
    """The data set has fewer people than a batch takes; make the batch smaller or add people."""


class Batch(NamedTuple):
    """Images float32 (N, 1, H, W) in [0, 1] and class numbers int64 (N,)."""

    images_nchw: Tensor
    label_n: Tensor


@dataclass(frozen=True)
class TrainingWalks:
    """One data set in the place it has in every batch.

    Attributes:
        walks: whom to learn.
        subjects_per_batch: how many of its people a batch takes; None takes the recipe's P.
    """

    walks: WalkSet
    subjects_per_batch: int | None = None

    @cached_property
    def walks_of(self) -> list[NDArray[np.int64]]:
        """Indices of each person's walks, by class number."""
        label_n = self.walks.label_n
        order = np.argsort(label_n, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(label_n[order])) + 1)

    @property
    def people(self) -> int:
        """How many there are to learn."""
        return len(self.walks_of)

    @property
    def identity(self) -> str:
        """Names the walks and their place in a batch."""
        return f"{self.walks.fingerprint} P={self.subjects_per_batch or 'recipe'}"

    def images_per_batch(self, config: TrainConfig) -> int:
        """How many images of these walks a batch holds."""
        return (self.subjects_per_batch or config.subjects_per_batch) * config.walks_per_subject


def check_sources(config: TrainConfig, sources: tuple[TrainingWalks, ...]) -> None:
    """Refuses data that the recipe's batches cannot be made of.

    Raises:
        TooFewPeople: a batch takes more people than there are.
        ValueError: the silhouettes are of another size than the network's input.
    """
    size = (config.network.height, config.network.width)
    for source in sources:
        wanted = source.subjects_per_batch or config.subjects_per_batch
        if source.people < wanted:
            msg = f"a batch takes {wanted} people, but there are only {source.people} to learn"
            raise TooFewPeople(msg)
        if (source.walks.height, source.walks.width) != size:
            msg = (
                f"the walks are {source.walks.height}×{source.walks.width} pixels,"
                f" the network takes {size[0]}×{size[1]}"
            )
            raise ValueError(msg)


def make_batch(config: TrainConfig, sources: tuple[TrainingWalks, ...], step: int) -> Batch:
    """The batch of one step: P people of each source, K walks of each person.

    A person with fewer than K walks gives some of them twice. Classes of a later source are
    counted on from those of the earlier ones.
    """
    rng = np.random.default_rng((config.seed, step))
    images, labels, first_class = [], [], 0
    for source in sources:
        wanted = source.subjects_per_batch or config.subjects_per_batch
        people = rng.choice(source.people, wanted, replace=False)
        indices_n = np.concatenate(list(_drawn(config, source, people, rng)))
        geis_nhw = _geis(config, source.walks, indices_n, rng)
        images.append(augmented(geis_nhw, rng, config.augment))
        labels.append(first_class + np.repeat(people, config.walks_per_subject))
        first_class += source.people
    images_nhw = np.concatenate(images)
    return Batch(torch.from_numpy(images_nhw[:, None]), torch.from_numpy(np.concatenate(labels)))


def _drawn(
    config: TrainConfig,
    source: TrainingWalks,
    people: NDArray[np.int64],
    rng: np.random.Generator,
) -> Iterator[NDArray[np.int64]]:
    for person in people:
        own = source.walks_of[person]
        yield rng.choice(own, config.walks_per_subject, replace=len(own) < config.walks_per_subject)


def _geis(
    config: TrainConfig,
    walks: WalkSet,
    indices_n: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    if config.shortest_window is None:
        return walks.geis_nhw[indices_n]
    longest = min(max(int(walks.frames_n.max()), config.shortest_window), LONGEST_WINDOW)
    return walks.windows(indices_n, rng, (config.shortest_window, longest))


def prefetched(
    config: TrainConfig, sources: tuple[TrainingWalks, ...], first_step: int
) -> Generator[Batch]:
    """Batches from `first_step` on, made ahead in a thread; an error there is raised here."""
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
                offer(make_batch(config, sources, step))
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

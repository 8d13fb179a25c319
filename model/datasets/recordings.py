"""Every data set of recorded people, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from model.datasets.casia_a import NotCasiaA, build_casia_a
from model.datasets.casia_b import build_casia_b
from model.datasets.casia_b_files import NotCasiaB
from model.datasets.recorded_set import Caching
from model.datasets.shard import WalkSetDamaged
from model.datasets.shard_building import WalkSetMismatch
from model.datasets.tree import EmptyTree, build_tree
from model.datasets.walk_set import WalkSet

RecordedDataset: TypeAlias = Literal["casia-b", "casia-a", "tree"]

UNUSABLE = (NotCasiaA, NotCasiaB, EmptyTree, WalkSetDamaged, WalkSetMismatch)
"""What `read_recordings` raises: each says what is wrong with the folder."""


def read_recordings(
    dataset: RecordedDataset,
    folder: Path,
    caching: Caching,
    *,
    frames_per_second: float | None = None,
) -> WalkSet:
    """All walks of a data set: decoded the first time, read from the cache from then on.

    Args:
        dataset: which.
        folder: where the recordings lie.
        caching: where and how they are kept.
        frames_per_second: of bundles of pictures in a tree, if known.

    Raises:
        NotCasiaA, NotCasiaB, EmptyTree: the folder holds something else.
    """
    if dataset == "casia-b":
        return build_casia_b(folder, caching)
    if dataset == "casia-a":
        return build_casia_a(folder, caching)
    return build_tree(folder, caching, frames_per_second=frames_per_second)

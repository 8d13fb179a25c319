"""Recordings of real people to train on, whatever the data set: read once, cached from then on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from model.datasets.casia_a import FRAMES_PER_SECOND, NotCasiaA, casia_a_walks
from model.datasets.casia_b import build_casia_b
from model.datasets.casia_b_files import NotCasiaB
from model.datasets.casia_b_splits import closed_set, subjects_74_50
from model.datasets.recorded_set import Caching, build_walk_set
from model.datasets.shard import WalkSetDamaged
from model.datasets.shard_building import WalkSetMismatch
from model.datasets.tree import EmptyTree, tree_walks
from model.datasets.walk_set import WalkSet

PeopleDataset: TypeAlias = Literal["casia-b", "casia-a", "tree"]
CasiaBSplit: TypeAlias = Literal["74-50", "closed"]

# What a folder may be instead of the data set it was said to be.
UNUSABLE = (NotCasiaA, NotCasiaB, EmptyTree, WalkSetDamaged, WalkSetMismatch)


def people_walks(
    dataset: PeopleDataset,
    folder: Path,
    caching: Caching,
    *,
    split: CasiaBSplit = "74-50",
    frames_per_second: float | None = None,
) -> WalkSet:
    """The training walks of a data set.

    Args:
        dataset: which.
        folder: where the recordings lie.
        caching: where and how they are turned into silhouettes.
        split: of CASIA-B: subjects 001 to 074 (005 with them, as OpenGait has it), or the paper's
            closed set, nm-01 to nm-04 of everybody in seven views.
        frames_per_second: of bundles of pictures in a tree, if known.

    Raises:
        NotCasiaA, NotCasiaB, EmptyTree: the folder holds something else.
    """
    if dataset == "casia-b":
        everybody = build_casia_b(folder, caching)
        if split == "closed":
            return everybody.select(closed_set(everybody).trained_n)
        return everybody.select(subjects_74_50(everybody, keep_005=True).trained_n)
    if dataset == "casia-a":
        walks, frames_per_second = casia_a_walks(folder), FRAMES_PER_SECOND
    else:
        walks = tree_walks(folder)
    return build_walk_set(dataset, walks, caching, frames_per_second=frames_per_second)

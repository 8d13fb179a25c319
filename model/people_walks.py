"""Which walks of a recorded data set are trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from model.datasets.casia_b_splits import closed_set, subjects_74_50
from model.datasets.recorded_set import Caching
from model.datasets.recordings import RecordedDataset, read_recordings
from model.datasets.walk_set import WalkSet

CasiaBSplit: TypeAlias = Literal["74-50", "closed"]


def people_walks(
    dataset: RecordedDataset,
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
    walks = read_recordings(dataset, folder, caching, frames_per_second=frames_per_second)
    if dataset != "casia-b":
        return walks
    if split == "closed":
        return walks.select(closed_set(walks).trained_n)
    return walks.select(subjects_74_50(walks, keep_005=True).trained_n)

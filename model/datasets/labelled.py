"""GEIs with who walked, how and seen from where: what every protocol is fed with.

Shape letters: N walks, H rows, W columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.silhouettes import SilhouetteSequence


@dataclass(frozen=True, slots=True)
class Refusal:
    """One walk of a data set that could not be used.

    Attributes:
        walk: its place in the data set.
        code: of the refusal.
        detail: the sentence about this walk.
        subject: who walks.
    """

    walk: str
    code: str
    detail: str
    subject: str


def refused_by_reason(refused: Iterable[Refusal]) -> dict[str, int]:
    """How many walks were refused, by code in alphabetical order."""
    return dict(sorted(Counter(refusal.code for refusal in refused).items()))


@dataclass(frozen=True, slots=True)
class LabelledGeis:
    """The GEIs of a data set.

    Attributes:
        geis_nhw: uint8 (N, H, W).
        subject_n: str (N,), who walks.
        condition_n: str (N,), "nm", "bg" or "cl".
        walk_n: int (N,), number of the walk within its subject and condition (and view), from 1.
        view_n: float (N,), degrees, nan where nobody said.
        drift_n2: float (N, 2), how far the walker moved to the right and how much taller it grew
            in the picture (by coming closer), in walker heights; nan where unknown.
        refused: walks that are missing here, and why.
    """

    geis_nhw: NDArray[np.uint8]
    subject_n: NDArray[np.str_]
    condition_n: NDArray[np.str_]
    walk_n: NDArray[np.int64]
    view_n: NDArray[np.float64]
    drift_n2: NDArray[np.float64]
    refused: tuple[Refusal, ...] = ()

    def __len__(self) -> int:
        return len(self.subject_n)

    @property
    def subjects(self) -> int:
        """Number of different people."""
        return len(np.unique(self.subject_n))


@dataclass(frozen=True, slots=True)
class WalkFiles:
    """One walk that waits on disk.

    Attributes:
        name: its place in the data set, for people.
        paths: what `capture_walk` takes.
        subject: who walks.
        walk: its number, from 1.
        view_degrees: nan where nobody said.
    """

    name: str
    paths: tuple[Path, ...]
    subject: str
    walk: int
    view_degrees: float = float("nan")


def drift(sequence: SilhouetteSequence) -> tuple[float, float]:
    """How far the walker moved to the right and how much taller it grew, in walker heights.

    Told from the medians of the first and the last quarter of the frames that show a walker.
    """
    boxes = [one for one in sequence.silhouettes if one is not None]
    if len(boxes) < 2:
        return float("nan"), float("nan")
    middles_t = np.array([one.left + one.width / 2.0 for one in boxes])
    heights_t = np.array([float(one.height) for one in boxes])
    quarter = max(1, len(boxes) // 4)
    moved, grown = (
        float(np.median(values_t[-quarter:]) - np.median(values_t[:quarter]))
        for values_t in (middles_t, heights_t)
    )
    usual = float(np.median(heights_t))
    return moved / usual, grown / usual

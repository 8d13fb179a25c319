"""How strangers would score: the distribution that a threshold is read off, for people to see."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from app.search.gallery_search import SearchResult
from app.search.thresholds import ThresholdBasis

_SHARES: Final = (*np.linspace(0.98, 0.1, 23).tolist(), *np.geomspace(0.1, 1e-4, 19)[1:].tolist())


@dataclass(frozen=True, slots=True)
class StrangersAt:
    """A point of the distribution.

    Attributes:
        score: a cosine.
        share: of strangers whose best score in this gallery reaches it.
    """

    score: float
    share: float


def strangers(result: SearchResult, basis: ThresholdBasis) -> tuple[StrangersAt, ...]:
    """The best scores of strangers in a gallery, as the threshold of this probe supposes them.

    Args:
        result: of the probe's search.
        basis: what its threshold was read off.

    Returns:
        Points with rising scores and falling shares, as far as the curve was measured; none for
        an empty gallery.
    """
    if result.gallery_size == 0:
        return ()
    points = [
        StrangersAt(
            basis.identification(
                target_fpir=share, gallery_size=result.gallery_size, cohort=result.cohort
            ).value,
            share,
        )
        for share in _SHARES
    ]
    # Beyond its ends the curve was not measured, and its last score holds there.
    measured = [
        at
        for at, (before, each) in enumerate(pairwise(points), start=1)
        if each.score > before.score
    ]
    return tuple(points[measured[0] : measured[-1]]) if measured else ()

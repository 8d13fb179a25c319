"""Which walks of a subject a gallery keeps that keeps only the best few.

Good walks are kept before poor ones, and among good ones those that show the person differently: a
probe is compared with every template of a subject and scores the best pair, so a second walk seen
from the same side adds little, and one from another side may be the one that is found.

Shape letter: D embedding size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

_UNKNOWN_SCORE = 0.5
"""Of a walk that was enrolled before walks were judged."""

_NEW_DIRECTION = 0.25
"""What a direction of walking that is not shown yet is worth. Quality scores and cosine distances
both lie between 0 and 1; two walks of one person in one direction are 0.1 to 0.3 apart."""


@dataclass(frozen=True, slots=True)
class RankedWalk:
    """A walk, as far as the choice goes by it.

    Attributes:
        id: of the walk.
        score: the chance that such a walk is recognised, 0 to 1; None where it was not judged.
        direction: of walking, as the camera saw it; None where it cannot be told.
        vector_d: (D,) float32, length 1; None where the serving checkpoint has no template of it.
        created_at: in UTC.
    """

    id: str
    score: float | None
    direction: str | None
    vector_d: NDArray[np.float32] | None
    created_at: datetime


def surplus_walks(walks: Sequence[RankedWalk], most: int) -> frozenset[str]:
    """The walks to part with so that `most` are left.

    The best walk is kept; then, one by one, the walk with the greatest sum of its quality score,
    its cosine distance from the closest walk already kept, and 0.25 if no walk kept yet goes in its
    direction. A walk without a template cannot be found and counts as no different from any other.
    Of equal walks the newer is kept.

    Args:
        walks: all walks of one subject.
        most: at least 1.

    Returns:
        Ids; empty when there are no more than `most`.
    """
    # Newest first: `max` takes the first of equals.
    left = sorted(walks, key=lambda walk: (walk.created_at, walk.id), reverse=True)
    kept: list[RankedWalk] = []
    while left and len(kept) < most:
        best = max(range(len(left)), key=lambda place: _worth(left[place], kept))
        kept.append(left.pop(best))
    return frozenset(walk.id for walk in left)


def _worth(walk: RankedWalk, kept: Sequence[RankedWalk]) -> float:
    score = _UNKNOWN_SCORE if walk.score is None else walk.score
    if not kept:
        return score
    is_new_direction = walk.direction is not None and all(
        walk.direction != each.direction for each in kept
    )
    return score + _distance(walk, kept) + _NEW_DIRECTION * is_new_direction


def _distance(walk: RankedWalk, kept: Sequence[RankedWalk]) -> float:
    """Cosine distance from the closest kept walk, 0 to 1."""
    if walk.vector_d is None:
        return 0.0
    distances = [
        1.0 - float(walk.vector_d @ each.vector_d) for each in kept if each.vector_d is not None
    ]
    return min(1.0, max(0.0, min(distances, default=1.0)))

"""How the scores of genuine pairs and of impostors are spread: a histogram of both.

Shape letters: G genuine and I impostor comparisons.
"""

from __future__ import annotations

import numpy as np

from model.scores import Scores

SPREAD_COLUMNS = ("from", "to", "genuine", "impostor")
_BINS = 60


def spread(
    genuine_g: Scores, impostor_i: Scores, *, bins: int = _BINS
) -> tuple[tuple[float, ...], ...]:
    """Counts both kinds in bins of equal width over all scores.

    Args:
        genuine_g: (G,).
        impostor_i: (I,).
        bins: how many.

    Returns:
        A row (from, to, genuine, impostor) for each bin, counts in the last two; none without
        scores.
    """
    ends = [(float(one.min()), float(one.max())) for one in (genuine_g, impostor_i) if one.size]
    if not ends:
        return ()
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    counts = [np.histogram(one, bins=bins, range=(low, high)) for one in (genuine_g, impostor_i)]
    edges = counts[0][1]
    columns = (edges[:-1], edges[1:], counts[0][0], counts[1][0])
    return tuple(zip(*(column.astype(float).tolist() for column in columns), strict=True))

"""Medians of a few thousand values, which NumPy's own spends most of its time preparing.

Shape letters: N values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def median(values_n: NDArray[np.floating]) -> float:
    """The middle value, or the mean of the two in the middle; nan of none.

    Args:
        values_n: of any shape, without nan.
    """
    if values_n.size == 0:
        return float("nan")
    below, above = (values_n.size - 1) // 2, values_n.size // 2
    ordered_n = np.partition(values_n, (below, above), axis=None)
    return (float(ordered_n[below]) + float(ordered_n[above])) / 2

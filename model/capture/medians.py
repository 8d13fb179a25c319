"""Medians out of sorted values.

NumPy sorts with vector instructions. Its own median looks for places instead, which takes five
times as long where many values are equal, and that is what frames of a quiet scene are.

Shape letters: M rows, N values.
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
    return float(medians(values_n.reshape(1, -1))[0])


def medians(values_mn: NDArray[np.floating]) -> NDArray[np.floating]:
    """The same of each row, (M,).

    Args:
        values_mn: without nan; any number of axes before the last.
    """
    middle = values_mn.shape[-1] // 2
    ordered_mn = np.sort(values_mn, axis=-1)
    middle_m = np.asarray(ordered_mn[..., middle])
    if values_mn.shape[-1] % 2:
        return middle_m
    return np.asarray((ordered_mn[..., middle - 1] + middle_m) / 2)

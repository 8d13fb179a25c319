"""Medians by one place instead of two."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.capture.medians import median, medians


@pytest.mark.parametrize("count", [1, 2, 7, 24])
def test_a_median_is_the_one_that_numpy_finds(count: int) -> None:
    """Of an odd number of values and of an even one, with the same value several times."""
    values_mn = np.random.default_rng(count).integers(0, 9, (5, 4, count)).astype(np.float32)
    np.testing.assert_array_equal(medians(values_mn), np.median(values_mn, axis=-1))
    assert median(values_mn) == np.median(values_mn)


def test_nothing_has_no_median() -> None:
    """A silhouette of no pixels has no contrast."""
    assert math.isnan(median(np.empty(0, np.float32)))

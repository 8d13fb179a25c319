"""The last pixel of an outline."""

from __future__ import annotations

import numpy as np

from model.capture.edge import settle_edge


def test_a_view_in_which_nothing_of_the_walker_is_left_stays_empty() -> None:
    """Somebody else hides the walker for a frame: that frame has no silhouette."""
    nobody_hw = np.zeros((40, 30), np.uint8)
    settled_hw = settle_edge(
        nobody_hw,
        np.full((40, 30, 3), 90, np.uint8),
        np.full((40, 30, 3), 120.0, np.float32),
        np.ones(3, np.float32),
        np.full((40, 30), 2.0, np.float32),
        doubt=1,
    )
    assert not settled_hw.any()

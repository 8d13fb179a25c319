"""The last pixel of an outline."""

from __future__ import annotations

import numpy as np
import pytest

from model.capture.background import Background
from model.capture.edge import settle_edge


def _wall(channels: int) -> Background:
    """Of 60 rows and 50 columns."""
    return Background(
        np.full((60, 50, channels), 120.0, np.float32), np.full((60, 50), 2.0, np.float32)
    )


def test_a_view_in_which_nothing_of_the_walker_is_left_stays_empty() -> None:
    """Somebody else hides the walker for a frame: that frame has no silhouette."""
    settled_hw = settle_edge(
        np.zeros((40, 30), np.uint8),
        (5, 8),
        np.full((60, 50, 3), 90, np.uint8),
        np.ones(3, np.float32),
        _wall(3),
        doubt=1,
    )
    assert not settled_hw.any()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("share", "belongs"), [(0.7, True), (0.3, False)])
def test_a_pixel_belongs_to_whoever_covers_more_than_half_of_it(
    channels: int, share: float, belongs: bool
) -> None:
    """The column beside a body is a mixture of its colour and the wall's."""
    frame_hwc = np.full((60, 50, channels), 120, np.uint8)
    frame_hwc[15:45, 20:30] = 40
    frame_hwc[15:45, 30] = round(120 - 80 * share)
    walker_hw = np.zeros((40, 30), np.uint8)
    walker_hw[5:35, 10:21] = 1
    settled_hw = settle_edge(
        walker_hw, (10, 10), frame_hwc, np.ones(channels, np.float32), _wall(channels), doubt=1
    )
    assert settled_hw[8:32, 12:19].all()
    assert not settled_hw[:, 22:].any()
    assert (settled_hw[8:32, 20] == belongs).all()

"""The people of one recording, and who of them was seen with whom."""

from __future__ import annotations

import numpy as np

from app.worker.walkers import Walker, seen_together
from model.capture import CapturedWalk
from model.judged_walk import RefusedWalk
from model.refusals import TooFewFrames
from model.silhouettes import SilhouetteSequence


def walker(number: int, *walks: tuple[int, int], seen_with: frozenset[int] = frozenset()) -> Walker:
    """Somebody who walks from the first to the last of these frames."""
    return Walker(
        usable=(),
        unusable=tuple(
            RefusedWalk(
                CapturedWalk(
                    SilhouetteSequence.from_stack(
                        np.ones((last - first + 1, 4, 3), np.uint8), 25.0
                    ),
                    number,
                    first,
                    "left",
                    seen_with=seen_with,
                ),
                TooFewFrames("Too few."),
            )
            for first, last in walks
        ),
    )


def test_walks_that_share_a_frame_were_walked_together() -> None:
    people = [walker(1, (0, 50)), walker(2, (50, 90)), walker(3, (91, 140))]

    assert seen_together(people) == [(0, 1)]


def test_who_comes_twice_was_seen_with_everybody_of_either_time() -> None:
    people = [walker(1, (0, 50), (200, 250)), walker(2, (60, 90)), walker(3, (240, 300))]

    assert seen_together(people) == [(0, 2)]


def test_who_stands_by_while_another_walks_is_not_the_same_person() -> None:
    people = [walker(1, (0, 50)), walker(2, (100, 150), seen_with=frozenset({1}))]

    assert seen_together(people) == [(0, 1)]


def test_a_walkers_walks_are_told_in_order_of_time() -> None:
    assert [walk.first_frame for walk in walker(1, (200, 250), (0, 50)).walks] == [0, 200]

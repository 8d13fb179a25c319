"""Small scenes of `make bench-capture`, held to its targets with every test run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model.capture import capture_recording
from tests.benchmarks.capture_scoring import score
from tests.scenes import SCENES, record

_BY_NAME = {scene.name: scene for scene in SCENES}


@pytest.mark.parametrize(
    ("name", "target"),
    [("plaster, 160×120 grey", 0.92), ("corridor, 160×120, like the wall", 0.75)],
)
def test_a_walker_in_a_tiny_picture_is_cut_out_whole(
    tmp_path: Path, name: str, target: float
) -> None:
    """The smallest pictures there are, grey and in colour; the second is the hardest of all."""
    recorded = record(_BY_NAME[name], tmp_path)
    scored = score(recorded, capture_recording([recorded.clip]))
    assert (scored.found, scored.usable, scored.false_walks) == (scored.passes, scored.passes, 0)
    assert scored.overlaps_n.mean() >= target


def test_each_of_three_who_cross_has_a_walk_that_can_be_used(tmp_path: Path) -> None:
    """Whoever is hidden least of the time too: nobody carries another's number."""
    recorded = record(replace(_BY_NAME["three cross"], width=320, height=180), tmp_path)
    scored = score(recorded, capture_recording([recorded.clip]))
    assert scored.usable == scored.passes == 3
    assert (scored.strayed, scored.false_walks) == (0, 0)
    assert scored.overlaps_n.mean() >= 0.85

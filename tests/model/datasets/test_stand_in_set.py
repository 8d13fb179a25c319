"""The stand-in without pictures on disk holds the walks of the one with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.datasets.casia_b import build_casia_b
from model.datasets.casia_b_stand_in import StandIn, write_stand_in
from model.datasets.recorded_set import Caching
from model.datasets.stand_in_set import build_stand_in
from model.gei import GeiConfig


def test_its_walks_are_those_that_are_read_from_a_written_stand_in(tmp_path: Path) -> None:
    stand_in = StandIn(subjects=1, frames=26, frames_spread=0)
    caching = Caching(tmp_path / "cache", GeiConfig(height=32, width=22), processes=1)
    write_stand_in(stand_in, tmp_path / "pictures", processes=1, views_degrees=(90,))
    read = build_casia_b(tmp_path / "pictures", caching)
    generated = build_stand_in(stand_in, caching)
    assert len(generated) + len(generated.refused) == 110
    in_profile = generated.select(generated.view_n == 90.0)
    assert in_profile.subject_n.tolist() == read.subject_n.tolist()
    assert in_profile.walk_n.tolist() == read.walk_n.tolist()
    np.testing.assert_array_equal(in_profile.geis_nhw, read.geis_nhw)
    np.testing.assert_array_equal(in_profile.silhouettes(3), read.silhouettes(3))

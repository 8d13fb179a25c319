"""The stand-in for CASIA-B: in its layout, read by its reader, finished after a kill."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.datasets.casia_b import build_casia_b
from model.datasets.casia_b_report import report_on
from model.datasets.casia_b_slots import KNOWN_GAPS, SUBJECTS, Slot
from model.datasets.casia_b_stand_in import FIRST_IDENTITY, StandIn, write_stand_in
from model.datasets.recorded_set import Caching
from model.datasets.shard_building import WalkSetMismatch
from model.gei import GeiConfig

SMALL = StandIn(subjects=1, frames=20, frames_spread=3)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One person's ten walks from two views."""
    folder = tmp_path_factory.mktemp("stand-in") / "copy"
    assert write_stand_in(SMALL, folder, processes=1, views_degrees=(0, 90)) == 20
    return folder


def _pictures(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.png"))
    }


def test_the_layout_is_casia_bs_own(written: Path) -> None:
    first = written / "001" / "nm-01" / "090" / "001-nm-01-090-001.png"
    mask_hw = cv2.imread(str(first), cv2.IMREAD_UNCHANGED)
    assert mask_hw is not None
    assert mask_hw.shape == (240, 320)
    assert set(np.unique(mask_hw)) == {0, 255}
    assert sorted(path.name for path in (written / "001").iterdir()) == sorted(
        [*(f"nm-{walk:02d}" for walk in range(1, 7)), "bg-01", "bg-02", "cl-01", "cl-02"]
    )
    assert sorted(path.name for path in written.iterdir()) == ["001", "stand-in.json"]


def test_casia_bs_reader_reads_it_unchanged(written: Path, tmp_path: Path) -> None:
    walks = build_casia_b(written, Caching(tmp_path, GeiConfig(), processes=1))
    assert len(walks) == 20
    report = report_on(walks)
    assert (walks.refused, report.filled, len(report.missing)) == ((), 20, 90)


def test_the_views_of_a_walk_show_one_walk_and_walks_differ(written: Path) -> None:
    def frames(slot: str) -> int:
        return len(list((written / slot).iterdir()))

    assert all(frames(f"001/nm-0{walk}/000") == frames(f"001/nm-0{walk}/090") for walk in (1, 2, 3))
    one, other = (
        SMALL.masks_thw(Slot("001", "nm", walk, 90))[:20].astype(np.int16) for walk in (1, 2)
    )
    assert (one != other).any()


def test_a_killed_writing_goes_on_and_gives_the_same_pictures(
    written: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(written, folder)
    half = folder / ".drafts" / "001-cl-02-090"
    half.parent.mkdir()
    (folder / "001" / "cl-02" / "090").rename(half)  # it was being written
    for path in sorted(half.iterdir())[5:]:
        path.unlink()
    shutil.rmtree(folder / "001" / "bg-01")
    kept = (folder / "001" / "nm-01" / "090").stat().st_mtime_ns
    write_stand_in(SMALL, folder, processes=2, views_degrees=(0, 90))
    assert _pictures(folder) == _pictures(written)
    assert (folder / "001" / "nm-01" / "090").stat().st_mtime_ns == kept
    assert not (folder / ".drafts").exists()


def test_the_47_gaps_are_left_empty_when_wanted(tmp_path: Path) -> None:
    """Subject 005 has no view 000; it is the fifth, so five are written, of one view only."""
    stand_in = replace(SMALL, subjects=5, gaps=True, frames=2, frames_spread=0)
    assert write_stand_in(stand_in, tmp_path / "copy", processes=1, views_degrees=(0,)) == 40
    empty = [path for path in (tmp_path / "copy").glob("*/*/*") if not any(path.iterdir())]
    assert {str(path.relative_to(tmp_path / "copy")) for path in empty} == {
        str(slot) for slot in KNOWN_GAPS if slot.subject == "005"
    }


def test_another_stand_in_or_a_strange_folder_is_left_alone(written: Path, tmp_path: Path) -> None:
    with pytest.raises(WalkSetMismatch, match="another stand-in"):
        write_stand_in(replace(SMALL, frames=21), written, processes=1)
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(WalkSetMismatch, match="is not empty"):
        write_stand_in(SMALL, tmp_path, processes=1)
    assert json.loads((written / "stand-in.json").read_text())["frames"] == SMALL.frames


def test_nobody_of_the_stand_in_is_trained_on() -> None:
    """Training, refinement, validation, evaluation and calibration use seeds below 7,000,000."""
    assert FIRST_IDENTITY >= 7_000_000
    assert FIRST_IDENTITY + len(SUBJECTS) < 9_100_000  # where `walkprint walkers` begins

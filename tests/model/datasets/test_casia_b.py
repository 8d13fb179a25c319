"""CASIA-B: the counts of the real data set from its constants, and a miniature copy that is read.

The miniature's people are generated walkers.
"""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.datasets.casia_b import build_casia_b
from model.datasets.casia_b_files import NotCasiaB, silhouettes_of
from model.datasets.casia_b_report import report_on
from model.datasets.casia_b_slots import KNOWN_GAPS, Slot, all_slots
from model.datasets.casia_b_splits import PAPER_VIEWS_DEGREES, closed_set, subjects_74_50
from model.datasets.casia_b_stand_in import StandIn
from model.datasets.labelled import LabelledGeis, refused_by_reason
from model.datasets.recorded_set import Caching
from model.datasets.walk_set import WalkSet
from model.gei import GeiConfig
from model.refusals import MediaNotReadable

BLANK = 3  # frames of the first walk: two before the walker comes, one among the others
ODD = "079/nm-02/090"  # where the fixtures damage something


def _labels(slots: list[Slot]) -> LabelledGeis:
    return LabelledGeis(
        geis_nhw=np.zeros((len(slots), 0, 0), np.uint8),
        subject_n=np.array([slot.subject for slot in slots]),
        condition_n=np.array([slot.condition for slot in slots]),
        walk_n=np.array([slot.walk for slot in slots]),
        view_n=np.array([float(slot.view_degrees) for slot in slots]),
        drift_n2=np.full((len(slots), 2), np.nan),
    )


FILLED = _labels([slot for slot in all_slots() if slot not in KNOWN_GAPS])


def test_the_data_set_has_13_593_filled_slots_of_13_640() -> None:
    slots = list(all_slots())
    assert len(slots) == len(set(slots)) == 13_640
    assert len(KNOWN_GAPS) == 47
    assert set(slots) >= KNOWN_GAPS
    assert len(FILLED) == 13_593
    assert all(Slot.parse(str(slot)) == slot for slot in slots)


def test_the_papers_closed_set_trains_on_3_458_walks() -> None:
    split = closed_set(FILLED)
    assert split.trained_n.sum() == 3_458
    assert not (split.trained_n & split.tested_n).any()
    in_views = len(PAPER_VIEWS_DEGREES) * 124
    rest = FILLED.condition_n[split.tested_n]
    missing = {
        "nm-01 … 04": 4 * in_views - split.trained_n.sum(),
        **{name: 2 * in_views - (rest == name).sum() for name in ("nm", "bg", "cl")},
    }
    assert missing == {"nm-01 … 04": 14, "nm": 0, "bg": 4, "cl": 3}


def test_the_standard_split_tests_5_486_walks_of_people_it_never_trained_on() -> None:
    split = subjects_74_50(FILLED, keep_005=True)
    assert split.tested_n.sum() == 5_486
    assert (split.trained_n | split.tested_n).all()
    without = subjects_74_50(FILLED, keep_005=False)
    assert split.trained_n.sum() - without.trained_n.sum() == 100  # 005 has no view 000
    assert not without.trained_n[FILLED.subject_n == "005"].any()


@pytest.mark.parametrize(
    "text", ["125/nm-01/090", "001/nm-07/090", "001/bg-03/000", "001/nm-01/091", "001/bkgrd/000"]
)
def test_what_is_no_slot_is_not_read_as_one(text: str) -> None:
    assert Slot.parse(text) is None


def _write(folder: Path, slot: Slot, masks_thw: np.ndarray) -> None:
    target = folder / str(slot)
    target.mkdir(parents=True)
    for number, mask_hw in enumerate(masks_thw, start=1):
        name = f"{str(slot).replace('/', '-')}-{number:03d}.png"
        cv2.imwrite(str(target / name), mask_hw)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people with known gaps, three walks, two views; 005 lacks view 000 as everywhere."""
    root = tmp_path_factory.mktemp("casia-b")
    stand_in = StandIn(frames=30, frames_spread=0)
    for subject in ("005", "079"):
        for condition, walk in (("nm", 1), ("nm", 2), ("bg", 2)):
            for view in (0, 90):
                slot = Slot(subject, condition, walk, view)
                (root / str(slot)).parent.mkdir(parents=True, exist_ok=True)
                if slot in KNOWN_GAPS:
                    (root / str(slot)).mkdir()
                    continue
                masks_thw = stand_in.masks_thw(slot)
                if str(slot) == "005/nm-01/090":
                    blank = np.zeros_like(masks_thw[:1])
                    speck = blank.copy()
                    speck[0, 100:103, 50:53] = 255
                    masks_thw = np.concatenate(
                        (blank, speck, masks_thw[:15], blank, masks_thw[15:])
                    )
                _write(root, slot, masks_thw)
    (root / "005" / "bkgrd").mkdir()
    return root


def _archives(unpacked: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for subject in ("005", "079"):
        with tarfile.open(folder / f"{subject}.tar.gz", "w:gz") as archive:
            archive.add(unpacked / subject, subject)
    return folder


def _built(folder: Path, cache: Path, processes: int = 1) -> WalkSet:
    return build_casia_b(folder, Caching(cache, GeiConfig(), processes=processes))


@pytest.fixture(scope="module")
def walks(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> WalkSet:
    """The miniature, read from its folders."""
    return _built(unpacked, tmp_path_factory.mktemp("cache"))


def test_a_copy_is_read_with_subject_condition_walk_and_view(walks: WalkSet) -> None:
    assert (len(walks), walks.refused) == (9, ())
    assert sorted(
        zip(walks.subject_n, walks.condition_n, walks.walk_n, walks.view_n, strict=True)
    ) == sorted(
        (subject, condition, walk, view)
        for subject, views in (("005", (90.0,)), ("079", (0.0, 90.0)))
        for condition, walk in (("nm", 1), ("nm", 2), ("bg", 2))
        for view in views
    )


def test_blank_frames_are_left_out_and_counted(walks: WalkSet) -> None:
    """A speck of nine pixels in 320×240 is no walker either."""
    first = np.flatnonzero((walks.subject_n == "005") & (walks.walk_n == 1))[0]
    assert walks.blank_frames_n[first] == BLANK
    assert walks.frames_n[first] == 30
    assert walks.blank_frames_n.sum() == BLANK


def test_the_report_tells_known_gaps_from_others(walks: WalkSet) -> None:
    report = report_on(walks)
    assert (report.slots, report.filled) == (220, 9)
    assert len(report.known_gaps) == 12  # 005 view 000 in ten types, and two of 079
    assert "005/cl-02/000" in report.known_gaps
    assert len(report.missing) == 220 - 9 - 12
    assert "079/cl-01/036" in report.missing
    assert report.filled_gaps == ()
    assert len(report.absent_subjects) == 122


@pytest.mark.parametrize("form", ["archives", "archives in a subfolder", "the outer zip"])
def test_archives_hold_the_same_walks_as_the_folders(
    form: str, unpacked: Path, walks: WalkSet, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    inner = _archives(unpacked, copy if form == "archives" else copy / "GaitDatasetB-silh")
    if form == "the outer zip":
        with zipfile.ZipFile(copy / "GaitDatasetB-silh.zip", "w") as outer:
            for path in inner.iterdir():
                outer.write(path, f"GaitDatasetB-silh/{path.name}")
        shutil.rmtree(inner)
    packed = _built(copy, tmp_path / "cache")
    np.testing.assert_array_equal(packed.geis_nhw, walks.geis_nhw)
    np.testing.assert_array_equal(packed.subject_n, walks.subject_n)
    for index in range(len(walks)):
        np.testing.assert_array_equal(packed.silhouettes(index), walks.silhouettes(index))


def test_a_second_reading_decodes_nothing(
    unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _built(unpacked, tmp_path)

    def forbidden(*_: object) -> None:
        pytest.fail("a picture was decoded again")

    monkeypatch.setattr(cv2, "imdecode", forbidden)
    again = _built(unpacked, tmp_path)
    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.geis_nhw, first.geis_nhw)


def test_an_interrupted_reading_is_finished_in_two_processes(
    unpacked: Path, walks: WalkSet, tmp_path: Path
) -> None:
    first = _built(unpacked, tmp_path)
    kept = (first.folder / "subject-005" / "walks.npz").stat().st_mtime_ns
    (first.folder / "subject-079").rename(first.folder / "subject-079.draft")
    resumed = _built(unpacked, tmp_path, processes=2)
    assert (first.folder / "subject-005" / "walks.npz").stat().st_mtime_ns == kept
    assert not (first.folder / "subject-079.draft").exists()
    np.testing.assert_array_equal(resumed.geis_nhw, walks.geis_nhw)


def test_a_damaged_picture_costs_its_walk(unpacked: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(unpacked, copy)
    picture = sorted((copy / ODD).iterdir())[7]
    picture.write_bytes(picture.read_bytes()[:-20])
    damaged = _built(copy, tmp_path / "cache")
    assert len(damaged) == 8
    (refusal,) = damaged.refused
    assert (refusal.walk, refusal.code, refusal.subject) == (ODD, "media-not-readable", "079")
    report = report_on(damaged)
    assert ODD not in report.missing


def test_a_damaged_archive_costs_the_walks_from_the_damage_on(
    unpacked: Path, walks: WalkSet, tmp_path: Path
) -> None:
    copy = _archives(unpacked, tmp_path / "copy")
    archive = copy / "079.tar.gz"
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    damaged = _built(copy, tmp_path / "cache")
    of_079 = int((damaged.subject_n == "079").sum())
    assert 0 < of_079 < 6
    assert (damaged.subject_n == "005").sum() == 3
    report = report_on(damaged)
    assert (report.filled, report.missing[:1]) == (3 + of_079, ("005/nm-01/018",))
    assert refused_by_reason(damaged.refused) == {"media-not-readable": 110 - 2 - of_079}
    for index in np.flatnonzero(damaged.subject_n == "079"):
        same = np.flatnonzero(
            (walks.subject_n == "079")
            & (walks.condition_n == damaged.condition_n[index])
            & (walks.walk_n == damaged.walk_n[index])
            & (walks.view_n == damaged.view_n[index])
        )[0]
        np.testing.assert_array_equal(damaged.silhouettes(int(index)), walks.silhouettes(same))


def test_frames_come_in_the_order_of_their_numbers_and_in_one_size() -> None:
    def png(left: int, width: int = 40) -> bytes:
        mask_hw = np.zeros((30, width), np.uint8)
        mask_hw[5:25, left : left + 4] = 255
        return cv2.imencode(".png", mask_hw)[1].tobytes()

    frames = [("w-10.png", png(20)), ("w-9.png", png(10)), ("w-11.png", png(30))]
    lefts = [one.left for one in silhouettes_of(frames).silhouettes if one is not None]
    assert lefts == [10, 20, 30]
    with pytest.raises(MediaNotReadable, match=r"Frame 'w-12\.png' is of another size"):
        silhouettes_of([*frames, ("w-12.png", png(5, width=44))])


def test_a_folder_that_is_no_copy_says_what_it_should_hold(tmp_path: Path) -> None:
    (tmp_path / "001").mkdir()
    with pytest.raises(NotCasiaB, match=r"001\.tar\.gz"):
        _built(tmp_path, tmp_path / "cache")

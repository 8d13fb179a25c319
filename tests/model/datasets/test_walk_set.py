"""A walk set: what lies on disk is checked, and a part of it is a set of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from model.datasets.labelled import Refusal
from model.datasets.shard import PackedWalk, ShardContent, WalkSetDamaged, pack_frames
from model.datasets.shard_building import SetCard, ShardTask, WalkSetMismatch, build_shards
from model.datasets.walk_set import WalkSet
from model.gei import mean_image

HEIGHT, WIDTH, FRAMES = 8, 6, 30


def _person(number: int) -> ShardContent:
    """One person with three walks of noise and one that was refused."""
    rng = np.random.default_rng(number)
    walks = []
    for walk in (1, 2, 3):
        frames_thw = rng.integers(0, 2, (FRAMES + walk, HEIGHT, WIDTH), dtype=np.uint8)
        walks.append(
            PackedWalk(
                frames_packed_tb=pack_frames(frames_thw),
                gei_hw=mean_image(frames_thw),
                subject=f"person-{number}",
                condition="nm" if walk < 3 else "cl",
                walk=walk if walk < 3 else 1,
                view_degrees=90.0,
                drift=(1.5, 0.0),
                blank_frames=walk,
            )
        )
    refused = Refusal(f"person-{number}/4", "too-few-frames", "3 frames", f"person-{number}")
    return ShardContent(walks, [refused])


def _build(folder: Path, made: Callable[[int], ShardContent] = _person) -> WalkSet:
    tasks = {f"shard-{number}": ShardTask(partial(made, number), 3) for number in (0, 1, 2)}
    card = SetCard("abc", {"noise": True}, HEIGHT, WIDTH, tuple(tasks))
    build_shards(folder, card, tasks, processes=1, title="noise", unit="walks")
    return WalkSet.open(folder)


@pytest.fixture
def walks(tmp_path: Path) -> WalkSet:
    """Three people, nine walks."""
    return _build(tmp_path / "set")


def _wait_in_the_second(number: int) -> ShardContent:
    """Stands for long work: says so, and goes on when standard input ends."""
    if number == 1:
        sys.stdout.write("working\n")
        sys.stdout.flush()
        sys.stdin.read()
    return _person(number)


def _never(number: int) -> ShardContent:
    pytest.fail(f"shard {number} was made again")


def test_what_was_packed_is_what_is_read(walks: WalkSet) -> None:
    assert (len(walks), walks.subjects, len(walks.refused)) == (9, 3, 3)
    assert walks.frames_n.tolist() == [31, 32, 33] * 3
    assert walks.blank_frames_n.tolist() == [1, 2, 3] * 3
    assert walks.order_n.tolist() == [0, 1, 2] * 3
    expected = np.random.default_rng(1).integers(0, 2, (31, HEIGHT, WIDTH), dtype=np.uint8)
    np.testing.assert_array_equal(walks.silhouettes(3), expected)
    labelled = walks.labelled()
    assert labelled.subject_n[3] == "person-1"
    assert (labelled.condition_n[5], labelled.walk_n[5], labelled.view_n[5]) == ("cl", 1, 90.0)
    assert labelled.drift_n2[5].tolist() == [1.5, 0.0]
    assert labelled.refused == walks.refused


def test_a_complete_set_is_opened_and_not_made_again(walks: WalkSet) -> None:
    assert len(_build(walks.folder, _never)) == 9


def test_a_killed_build_keeps_what_it_finished(walks: WalkSet, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    code = f"from {__name__} import _build, _wait_in_the_second as wait; from pathlib import Path;"
    command = [sys.executable, "-c", f"{code} _build(Path({str(folder)!r}), wait)"]
    with subprocess.Popen(  # noqa: S603 (our own program)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"working\n"
        child.kill()
    assert sorted(path.name for path in folder.iterdir()) == ["set.json", "shard-0"]
    written = (folder / "shard-0" / "walks.npz").stat().st_mtime_ns
    finished = _build(folder)
    assert (folder / "shard-0" / "walks.npz").stat().st_mtime_ns == written
    for index in range(len(walks)):
        np.testing.assert_array_equal(finished.silhouettes(index), walks.silhouettes(index))


def test_a_part_of_a_set_is_a_set_with_its_own_people_and_name(walks: WalkSet) -> None:
    part = walks.select(np.isin(walks.subject_n, ["person-0", "person-2"]))
    assert (len(part), part.subjects) == (6, 2)
    assert part.label_n.tolist() == [0, 0, 0, 1, 1, 1]
    assert [refusal.subject for refusal in part.refused] == ["person-0", "person-2"]
    np.testing.assert_array_equal(part.silhouettes(4), walks.silhouettes(7))
    np.testing.assert_array_equal(part.geis_nhw[4], walks.geis_nhw[7])
    whole = (255, 255)
    np.testing.assert_array_equal(
        part.windows([4], np.random.default_rng(0), whole),
        walks.windows([7], np.random.default_rng(0), whole),
    )
    other = walks.select(np.array([0, 1, 2, 6, 7]))
    assert len({walks.fingerprint, part.fingerprint, other.fingerprint}) == 3
    assert other.select(np.array([4, 0])).subject_n.tolist() == ["person-2", "person-0"]


def test_a_mask_of_another_length_chooses_nothing(walks: WalkSet) -> None:
    with pytest.raises(ValueError, match="a mask of 3 does not choose among 9"):
        walks.select(np.array([True, False, True]))


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 0x10
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("frames_packed.npy", _cut_short),
        ("frames_packed.npy", Path.unlink),
        ("walks.npz", _alter),
        ("refused.json", _alter),
        ("checksums.json", _cut_short),
        ("checksums.json", Path.unlink),
    ],
)
def test_a_damaged_shard_is_refused_when_opening_and_made_again_when_building(
    walks: WalkSet, name: str, harm: Callable[[Path], None]
) -> None:
    before = [walks.silhouettes(index) for index in range(len(walks))]
    harm(walks.folder / "shard-1" / name)
    with pytest.raises(WalkSetDamaged, match=f"shard-1/{name}.*build the set again"):
        WalkSet.open(walks.folder)
    made = []

    def noted(number: int) -> ShardContent:
        made.append(number)
        return _person(number)

    mended = _build(walks.folder, noted)
    assert made == [1]
    for index, frames_thw in enumerate(before):
        np.testing.assert_array_equal(mended.silhouettes(index), frames_thw)


def test_an_altered_frame_is_found_by_verifying_and_made_again_when_building(
    walks: WalkSet,
) -> None:
    """Opening reads no frames, so it cannot see one flipped bit among them."""
    expected = walks.silhouettes(8)
    _alter(walks.folder / "shard-2" / "frames_packed.npy")
    opened = WalkSet.open(walks.folder)
    assert not np.array_equal(opened.silhouettes(8), expected)
    with pytest.raises(WalkSetDamaged, match=r"shard-2/frames_packed\.npy"):
        opened.verify()
    mended = _build(walks.folder)
    np.testing.assert_array_equal(mended.silhouettes(8), expected)
    mended.verify()


def test_a_set_of_an_older_version_is_refused(walks: WalkSet) -> None:
    card = walks.folder / "set.json"
    card.write_text(card.read_text().replace('"format": 2', '"format": 1'))
    with pytest.raises(WalkSetMismatch, match="another version of Walkprint"):
        WalkSet.open(walks.folder)

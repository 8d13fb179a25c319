"""Reading people's own walks: CASIA-A's tree and any `<subject>/<walk>` folder.

Generated silhouettes stand in for people.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.datasets.casia_a import NotCasiaA, build_casia_a, casia_a_walks, goes_right_or_closer
from model.datasets.labelled import drift
from model.datasets.recorded_set import Caching
from model.datasets.tree import EmptyTree, build_tree, tree_walks
from model.datasets.walk_set import WalkSet
from model.evaluate import score
from model.gei import GeiConfig
from model.silhouettes import SilhouetteSequence
from model.walkers import Identity, Shot, walk_masks_thw

# Azimuths of the walks "to the right" or "closer" and of those the other way, by CASIA-A's view.
AZIMUTHS = {"00": (270.0, 90.0), "90": (0.0, 180.0)}
FIRST_DIRECTION = {"anna": 0, "bert": 1}  # as in CASIA-A, people do not all start the same way


def _write_frames(folder: Path, seed: int, walk_seed: int, azimuth_degrees: float) -> None:
    folder.mkdir(parents=True)
    shot = Shot(azimuth_degrees=azimuth_degrees, frames=36, walker_pixels=70.0)
    masks_thw = walk_masks_thw(Identity.from_seed(seed), walk_seed=walk_seed, shot=shot)
    for number, mask_hw in enumerate(masks_thw, start=1):
        cv2.imwrite(str(folder / f"{folder.parent.name}-{folder.name}-{number:03d}.png"), mask_hw)


@pytest.fixture(scope="module")
def casia_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, views 00 and 90, four walks each, the direction alternating."""
    root = tmp_path_factory.mktemp("casia")
    for seed, (name, first) in enumerate(FIRST_DIRECTION.items(), start=40):
        for view, azimuths in AZIMUTHS.items():
            for walk in (1, 2, 3, 4):
                azimuth = azimuths[(first + walk - 1) % 2]
                _write_frames(root / name / f"{view}_{walk}", seed, walk, azimuth)
    return root


@pytest.fixture(scope="module")
def casia_walks(casia_like: Path, tmp_path_factory: pytest.TempPathFactory) -> WalkSet:
    """The same, captured."""
    return build_casia_a(casia_like, Caching(tmp_path_factory.mktemp("cache"), GeiConfig(), 1))


def test_casia_a_is_read_with_subject_view_walk_and_direction(casia_walks: WalkSet) -> None:
    walks = casia_walks.labelled()
    assert walks.refused == ()
    assert walks.geis_nhw.shape == (16, 64, 44)
    rows = list(zip(walks.subject_n, walks.view_n, walks.walk_n, strict=True))
    assert rows[0] == ("anna", 0.0, 1)
    assert rows[-1] == ("bert", 90.0, 4)
    expected_n = [
        (FIRST_DIRECTION[str(subject)] + int(walk) - 1) % 2 == 0 for subject, _, walk in rows
    ]
    assert goes_right_or_closer(walks).tolist() == expected_n


def test_casia_a_is_scored_per_view_and_across(casia_walks: WalkSet) -> None:
    report = score(None, casia_walks.labelled(), "casia-a")
    names = [metric.name for metric in report.methods[0].metrics]
    assert names == [
        *[
            name.format(view)
            for view in ("00°", "90°")
            for name in (
                "leave one out {}",
                "walks 1–2 → 3–4 {}",
            )
        ],
        "opposite direction 00°",
        "opposite direction 90°",
        "across views",
        "across views mAP",
        "EER 00°",
        "EER 90°",
        *[
            f"{name} {views}"
            for views in ("same view", "across views")
            for name in ("EER", "TAR at FAR 1 %", "TAR at FAR 0.1 %")
        ],
        *[f"TPIR at FPIR 1 % {view}" for view in ("00°", "90°", "same view")],
    ]
    raw = report.method("raw GEI")
    assert raw.value("leave one out 00°") == 1.0  # the same direction is always at hand


def test_a_folder_that_is_not_casia_a_is_refused(tmp_path: Path) -> None:
    (tmp_path / "anna" / "monday").mkdir(parents=True)
    with pytest.raises(NotCasiaA, match="<subject>/<view>_<walk>"):
        casia_a_walks(tmp_path)
    with pytest.raises(NotCasiaA):
        casia_a_walks(tmp_path / "missing")


def test_a_tree_holds_folders_and_archives_and_names_what_it_refuses(tmp_path: Path) -> None:
    people, zipped = tmp_path / "people", tmp_path / "zipped" / "walk"
    _write_frames(people / "anna" / "monday", seed=50, walk_seed=1, azimuth_degrees=90.0)
    _write_frames(zipped, seed=51, walk_seed=1, azimuth_degrees=90.0)
    (people / "bert").mkdir()
    with zipfile.ZipFile(people / "bert" / "walk.zip", "w") as archive:
        for frame in sorted(zipped.iterdir()):
            archive.write(frame, frame.name)
    (people / "bert" / "broken.mp4").write_bytes(b"this is no video")
    caching = Caching(tmp_path / "cache", GeiConfig(), 1)
    walks = build_tree(people, caching, frames_per_second=25.0)
    assert walks.subject_n.tolist() == ["anna", "bert"]
    assert np.isnan(walks.view_n).all()
    assert [(refusal.walk, refusal.code) for refusal in walks.refused] == [
        ("bert/broken.mp4", "media-not-readable")
    ]


def test_a_tree_is_captured_once_and_again_when_a_file_has_changed(tmp_path: Path) -> None:
    walk = tmp_path / "people" / "anna" / "monday"
    _write_frames(walk, seed=50, walk_seed=1, azimuth_degrees=90.0)
    caching = Caching(tmp_path / "cache", GeiConfig(), 1)
    first = build_tree(tmp_path / "people", caching)
    arrays = first.folder / "shard-00000" / "walks.npz"
    written = arrays.stat().st_mtime_ns
    again = build_tree(tmp_path / "people", caching)
    assert again.folder == first.folder
    assert arrays.stat().st_mtime_ns == written
    np.testing.assert_array_equal(again.geis_nhw, first.geis_nhw)
    sorted(walk.iterdir())[-1].unlink()
    shorter = build_tree(tmp_path / "people", caching)
    assert shorter.folder != first.folder
    assert shorter.frames_n[0] == first.frames_n[0] - 1


def test_frames_of_a_tree_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    walk = tmp_path / "anna" / "monday"
    walk.mkdir(parents=True)
    for name in ("f10.png", "f9.png", "f1.png", ".DS_Store"):
        (walk / name).write_bytes(b"")
    (only,) = tree_walks(tmp_path)
    assert [path.name for path in only.paths] == ["f1.png", "f9.png", "f10.png"]
    assert (only.subject, only.walk, only.name) == ("anna", 1, "anna/monday")


def test_an_empty_tree_says_what_it_should_hold(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    with pytest.raises(EmptyTree, match="<subject>/<walk>"):
        tree_walks(tmp_path)


def test_the_drift_is_told_in_walker_heights() -> None:
    masks_thw = np.zeros((8, 40, 60), dtype=np.uint8)
    for time in range(8):
        masks_thw[time, 10:30, 5 * time : 5 * time + 6] = 1  # 20 tall, 5 pixels a frame
    moved, grown = drift(SilhouetteSequence.from_stack(masks_thw))
    assert moved == pytest.approx(6 * 5 / 20)  # medians of frames 0-1 and 6-7 lie six apart
    assert grown == 0.0
    alone = drift(SilhouetteSequence.from_stack(masks_thw[:1]))
    assert np.isnan(alone).all()

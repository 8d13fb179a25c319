"""`walkprint walkers --casia-b` and `walkprint data`: a stand-in is written, and reported on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import main
from tests.app.command import Run, runner


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `walkprint` with words, in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    return runner(capsys)


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One person of the stand-in: 110 walks."""
    folder = tmp_path_factory.mktemp("casia-b") / "stand-in"
    with pytest.raises(SystemExit) as ended:
        main(["walkers", "--casia-b", str(folder), "--subjects", "1", "--processes", "1", "--json"])
    assert not ended.value.code
    return folder


def test_a_written_stand_in_is_kept_and_continued(run: Run, stand_in: Path) -> None:
    pictures = len(list(stand_in.glob("001/*/*/*.png")))
    assert pictures > 110 * 40
    again = run("walkers", "--casia-b", stand_in, "--subjects", 1, "--processes", 1)
    assert "110 walks of 1 people" in again.out
    other = run("walkers", "--casia-b", stand_in, "--subjects", 2)
    assert other.code == 1
    assert "holds another stand-in" in other.err


def test_the_report_counts_slots_gaps_frames_and_refusals(
    run: Run, stand_in: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "001").symlink_to(stand_in / "001")
    broken = copy / "002" / "nm-01" / "090"
    broken.mkdir(parents=True)
    (broken / "002-nm-01-090-001.png").write_bytes(b"no picture")
    words = ("data", "casia-b", copy, "--cache", tmp_path / "cache", "--processes", 1)
    said = run(*words, "--json")
    assert said.code == 0
    report = json.loads(said.out)
    assert (report["people"], report["walks"]) == (1, 110)
    assert (report["slots"], report["slots_filled"]) == (220, 110)
    assert report["refused_by_reason"] == {"media-not-readable": 1}
    assert report["refused"][0]["walk"] == "002/nm-01/090"
    assert len(report["missing_slots"]) == 109
    assert len(report["absent_people"]) == 122
    assert Path(report["cache"]).is_dir()
    for_people = run(*words)
    assert "1 media-not-readable" in for_people.out
    assert "002/nm-01/000, 002/nm-01/018" in for_people.out


def test_a_tree_is_reported_on_without_slots(run: Run, stand_in: Path, tmp_path: Path) -> None:
    walk = tmp_path / "people" / "anna" / "monday"
    walk.parent.mkdir(parents=True)
    walk.symlink_to(stand_in / "001" / "nm-01" / "090")
    said = run("data", "tree", tmp_path / "people", "--cache", tmp_path / "cache", "--json")
    report = json.loads(said.out)
    assert (report["people"], report["walks"], report["refused"]) == (1, 1, [])
    assert "slots" not in report


def test_a_folder_that_holds_something_else_is_refused_with_a_sentence(
    run: Run, tmp_path: Path
) -> None:
    for dataset, expected in (("casia-b", "001.tar.gz"), ("casia-a", "<view>_<walk>")):
        said = run("data", dataset, tmp_path, "--cache", tmp_path / "cache")
        assert said.code == 1
        assert expected in said.err
        assert "Traceback" not in said.err


def test_a_file_where_a_folder_belongs_is_named(run: Run, stand_in: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert run("data", "casia-b", stand_in, "--cache", file).code == 2
    below = run("data", "casia-b", stand_in, "--cache", file / "cache")
    assert below.code == 1
    assert str(file / "cache") in "".join(below.err.split())


def test_options_that_contradict_each_other_are_refused(run: Run, tmp_path: Path) -> None:
    assert run("walkers").code == 2
    assert run("walkers", "--out", tmp_path / "a", "--casia-b", tmp_path / "b").code == 2
    assert run("walkers", "--casia-b", tmp_path / "b", "--as", "mp4").code == 2
    assert run("walkers", "--casia-b", tmp_path / "b", "--subjects", 125).code == 2

"""`walkprint evaluate` on a folder of anybody's walks: the table, the JSON, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from app.cli import main
from model.checkpoint import default_checkpoint_path, load_checkpoint
from tests.walks import walk_zip


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people with two walks each, and a file that is none."""
    folder = tmp_path_factory.mktemp("people")
    for person, name in enumerate(("anna", "bert", "carl")):
        (folder / name).mkdir()
        for walk in (1, 2):
            (folder / name / f"{walk}.zip").write_bytes(walk_zip(person, walk=walk))
    (folder / "carl" / "3.zip").write_bytes(b"this is no archive")
    return folder


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is decoded is kept below it."""
    monkeypatch.chdir(tmp_path)


def _evaluate(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "--baseline-people", "0", *map(str, words)])
    return int(ended.value.code or 0)


def test_the_json_holds_every_figure_with_its_interval_and_the_curves(
    people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _evaluate("--dataset", "tree", people, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["subjects"], report["walks"]) == (3, 6)
    assert sum(report["refused"].values()) == report["failure_to_enrol"]["value"] * 7 == 1
    network, pixels = report["methods"]
    metrics = {one["name"]: one for part in network["sections"] for one in part["metrics"]}
    found = metrics["leave one out"]
    assert found["low"] <= found["value"] <= found["high"]
    assert (found["people"], found["comparisons"]) == (3, 6)
    assert metrics["EER"]["comparisons"] == 15
    assert metrics["achieved FPIR at target 1 %, any walk"]["comparisons"] == 6
    assert "Own thresholds" not in {part["title"] for part in pixels["sections"]}
    curves = {series["name"]: series for series in network["series"]}
    assert curves["CMC leave one out"]["rows"][2][:2] == [3.0, 1.0]  # there are three people
    assert curves["DET"]["columns"][:4] == ["threshold", "FMR", "FMR low", "FMR high"]


def test_a_report_is_written_and_names_nobody_real_unless_asked_to(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    assert _evaluate("--dataset", "tree", people, "--json", "--out", out) == 0
    printed = json.loads(capsys.readouterr().out)
    assert json.loads((out / "report.json").read_text(encoding="utf-8")) == printed
    names = ["curves.csv", "figures.csv", "report.html", "report.json"]
    assert sorted(file.name for file in out.iterdir()) == names
    assert not any("anna" in file.read_text(encoding="utf-8") for file in out.iterdir())
    command = printed["circumstances"]["command"]
    assert command.startswith("walkprint evaluate")
    assert str(tmp_path) not in command  # where somebody keeps their files stays theirs
    assert printed["circumstances"]["speed"]["one_ms"] > 0.0

    assert _evaluate("--dataset", "tree", people, "--out", out, "--worst-pairs", 2) == 0
    assert "person anna, walk" in (out / "report.html").read_text(encoding="utf-8")
    kinds = {file.name.rpartition("-")[0] for file in (out / "worst-pairs").iterdir()}
    assert kinds == {"false-accept", "false-reject"}


def test_figures_are_recorded_in_a_checkpoints_file_where_that_is_asked_for(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it carried of other people stays."""
    own = tmp_path / "own.safetensors"
    shutil.copy(default_checkpoint_path(), own)
    assert _evaluate("--dataset", "tree", people, "--checkpoint", own, "--json") == 0
    assert "tree" not in load_checkpoint(own).metrics
    capsys.readouterr()
    assert _evaluate("--dataset", "tree", people, "--checkpoint", own, "--json", "--record") == 0
    report = json.loads(capsys.readouterr().out)
    recorded = load_checkpoint(own)
    assert recorded.checkpoint_id == report["circumstances"]["checkpoint"]
    figures = {
        one["name"]: one["value"]
        for part in report["methods"][0]["sections"]
        for one in part["metrics"]
    }
    kept = recorded.metrics["tree"]
    assert kept["leave one out"] == pytest.approx(figures["leave one out"], abs=5e-5)
    assert kept["measured"].endswith("6 walks of 3 people")
    assert (
        recorded.metrics["walkers"] == load_checkpoint(default_checkpoint_path()).metrics["walkers"]
    )


def test_the_table_says_how_to_read_it(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _evaluate("--dataset", "tree", people) == 0
    shown = capsys.readouterr().out
    assert "6 walks of 3 people" in shown
    assert "failure to enrol" in shown
    assert "bootstrap over people" in shown


def test_a_folder_without_walks_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _evaluate("--dataset", "tree", tmp_path) == 1
    assert "<subject>/<walk>" in capsys.readouterr().err
    assert _evaluate("--dataset", "tree") == 2  # of what folder?
    assert _evaluate("--dataset", "casia-c", tmp_path) == 2


def test_a_file_that_is_no_checkpoint_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not weights")
    assert _evaluate("--checkpoint", broken) == 1
    assert "is not a checkpoint" in capsys.readouterr().err

"""`walkprint reproduce`: every table and figure from one command, labelled with what it ran on."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from app.cli import main
from model.datasets.casia_b_slots import Slot
from model.datasets.casia_b_stand_in import StandIn

SMALL = ("--input", "64x44", "--steps", "2", "--threads", "1", "--processes", "1")
PICTURES = ("figure-2.png", "figure-5.png")


def _ended(out: Path, *words: str) -> int:
    """Runs the command in this process; its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["reproduce", "--out", str(out), *SMALL, *words])
    return int(ended.value.code or 0)


def _reproduced(out: Path, *words: str) -> dict[str, Any]:
    assert _ended(out, *words) == 0
    report: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return report


@pytest.fixture(scope="module")
def on_walkers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Two generated walkers, two batches."""
    out = tmp_path_factory.mktemp("walkers")
    yield out, _reproduced(out, "--people", "2")
    shutil.rmtree(out)  # the states of both trainings are large


@pytest.fixture(scope="module")
def casia_b(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature CASIA-B: two people of each half, five walks, two views."""
    root = tmp_path_factory.mktemp("casia-b")
    stand_in = StandIn(frames=26, frames_spread=0)
    for subject in ("001", "002", "075", "076"):
        for condition, walk in (("nm", 1), ("nm", 2), ("nm", 5), ("bg", 1), ("cl", 1)):
            for view in (36, 90):
                slot = Slot(subject, condition, walk, view)
                (root / str(slot)).mkdir(parents=True)
                for number, mask_hw in enumerate(stand_in.masks_thw(slot), start=1):
                    name = f"{str(slot).replace('/', '-')}-{number:03d}.png"
                    cv2.imwrite(str(root / str(slot) / name), mask_hw)
    return root


def _rows(report: dict[str, Any], title: str) -> dict[str, Any]:
    [table] = [one for one in report["tables"] if one["title"].startswith(title)]
    return {row["name"]: row for row in table["rows"]}


def test_weights_and_multiply_adds_are_those_of_the_two_networks(
    on_walkers: tuple[Path, dict[str, Any]],
) -> None:
    rows = _rows(on_walkers[1], "Table 4")
    weights = rows["weights, 10⁶, at 3×224×224, 1000 classes"]
    assert [one["value"] for one in weights["ours"]] == pytest.approx([25.557, 13.954], abs=1e-3)
    assert weights["paper"] == "25.6 / 13.0"
    adds = rows["multiply-adds, 10⁹, at 3×224×224, 1000 classes"]
    assert [one["value"] for one in adds["ours"]] == pytest.approx([4.089, 2.151], abs=1e-3)
    assert adds["paper"] == "4.1 / 2.2"
    assert rows["training time, ResNet-50 = 1"]["ours"][0]["value"] == 1.0


def test_every_table_of_the_paper_is_filled_for_both_networks(
    on_walkers: tuple[Path, dict[str, Any]],
) -> None:
    report = on_walkers[1]
    assert len(_rows(report, "Table 1")) == 3
    by_view = _rows(report, "Table 2")
    assert by_view["36°"]["paper"] == "98 / 98.1"
    assert list(by_view) == [*(f"{view}°" for view in range(36, 145, 18)), "mean of the views"]
    assert list(_rows(report, "Table 3")) == ["BG, with a bag", "CL, in a coat"]
    for title in ("Table 2", "Table 3", "Tables 2 and 3"):
        for row in _rows(report, title).values():
            assert len(row["ours"]) == 2
            assert all(0.0 <= one["low"] <= one["value"] <= one["high"] for one in row["ours"])


def test_the_page_shows_the_papers_numbers_in_a_column_of_their_own_and_what_ours_ran_on(
    on_walkers: tuple[Path, dict[str, Any]],
) -> None:
    out, report = on_walkers
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count('<th scope="col">paper</th>') == len(report["tables"])
    label = (
        "generated walkers in CASIA-B&#39;s shape: 2 people, 56 walks trained on, 84 tested;"
        " input 64×44, 2 batches of 2, seed 1, cpu"
    )
    assert page.count(label) == 1 + len(report["tables"]) + len(report["figures"])
    assert "input 64×44 instead of 224×224" in page
    assert page.count("data:image/png;base64,") == 1  # figure 2
    assert page.count("<polyline") == 2  # figure 5, of both networks
    assert not re.search(r"<script|https?://|@import|url\(", page)
    assert 'style="' not in page


def test_page_and_spreadsheets_hold_the_numbers_of_the_json(
    on_walkers: tuple[Path, dict[str, Any]],
) -> None:
    out, report = on_walkers
    page = (out / "report.html").read_text(encoding="utf-8")
    with (out / "tables.csv").open(encoding="utf-8", newline="") as lines:
        found = {(one["table"], one["row"], one["column"]): one for one in csv.DictReader(lines)}
    for table in report["tables"]:
        for row in table["rows"]:
            for column, ours in zip(table["columns"], row["ours"], strict=True):
                cell = found.pop((table["title"], row["name"], column))
                assert cell["paper"] == row["paper"]
                assert cell["ran on"].startswith("generated walkers")
                assert float(cell["value"]) == ours["value"]
                assert f"<td>{ours['value']:.{row['decimals']}f}" in page
    assert not found
    with (out / "losses.csv").open(encoding="utf-8", newline="") as lines:
        losses = [(one["network"], float(one["cross-entropy"])) for one in csv.DictReader(lines)]
    assert losses == [
        (name, loss) for name, of_batches in report["losses"].items() for loss in of_batches
    ]
    assert len(losses) == 4  # two batches of each network


def test_the_figures_are_pictures_one_can_read(on_walkers: tuple[Path, dict[str, Any]]) -> None:
    for name in PICTURES:
        picture_hwc = cv2.imread(str(on_walkers[0] / name))
        assert picture_hwc is not None
        assert min(picture_hwc.shape[:2]) >= 700
        assert picture_hwc.std() > 10.0


def test_the_same_again_trains_nothing_and_finds_the_same(
    on_walkers: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = on_walkers
    states = [out / name / "state.pt" for name in ("resnet50", "l-resnet50")]
    written = [state.stat().st_mtime_ns for state in states]
    again = _reproduced(out, "--people", "2", "--json")
    assert [state.stat().st_mtime_ns for state in states] == written
    assert again["tables"] == report["tables"]
    assert json.loads(capsys.readouterr().out) == again


def test_other_settings_in_the_same_folder_are_refused_in_a_sentence(
    on_walkers: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ended(on_walkers[0], "--people", "2", "--seed", "9") == 1
    assert "choose another folder" in " ".join(capsys.readouterr().err.split())


def test_a_copy_of_casia_b_is_named_and_both_halves_are_tried_across_views(
    casia_b: Path, tmp_path: Path
) -> None:
    report = _reproduced(tmp_path, "--data", str(casia_b), "--cross-view")
    label = report["label"]
    assert (label["dataset"], label["people"]) == ("CASIA-B", 4)
    assert (label["trained_walks"], label["tested_walks"]) == (16, 24)
    assert "4 people instead of 124" in label["reduced"]
    [table] = [one for one in report["tables"] if one["title"].startswith("Beside")]
    assert table["columns"] == ["ResNet-50", "L-ResNet-50", "raw GEI"]
    assert all(one["value"] >= 0.0 for row in table["rows"] for one in row["ours"])
    assert _rows(report, "Table 2")["54°"]["ours"] == [None, None]  # no walk of that view
    shutil.rmtree(tmp_path)


def test_too_few_people_across_views_are_refused_before_anything_is_trained(
    on_walkers: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ended(on_walkers[0], "--people", "2", "--cross-view") == 1
    assert "it takes two" in " ".join(capsys.readouterr().err.split())


def test_a_folder_that_is_no_copy_of_casia_b_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ended(tmp_path / "out", "--data", str(tmp_path)) == 1
    assert "001.tar.gz" in capsys.readouterr().err

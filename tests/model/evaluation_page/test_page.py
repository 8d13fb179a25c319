"""The page of an evaluation: what it shows is what the JSON says, and it needs nothing else."""

from __future__ import annotations

import base64
import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from model.baselines import pixels
from model.datasets.labelled import LabelledGeis
from model.embedding_speed import TimedEncode
from model.evaluate import score
from model.evaluation_page import Circumstances, ReportFiles, write_report
from model.evaluation_page.pair_pictures import difference
from model.evaluation_report import EvaluationReport
from model.scores import cosine_scores
from tests.chromium import chromium
from tests.model.squares import squares


def _walks() -> LabelledGeis:
    return squares(
        people=5, views_degrees=(36.0, 90.0), first_subject=75, noise=160, column=60, seed=0
    )


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    return score(pixels, _walks(), "walkers", pairs_shown=3)


@pytest.fixture(scope="module")
def circumstances() -> Circumstances:
    encode = TimedEncode(pixels)
    encode(_walks().geis_nhw)
    return Circumstances(
        checkpoint="pixels <b>",
        data="squares",
        real_people=False,
        command="walkprint evaluate --people 5",
        date="2026-11-26",
        version="1",
        runtime="numpy",
        device="cpu",
        cores=2,
        speed=encode.speed(),
        seconds=3.0,
    )


@pytest.fixture(scope="module")
def files(
    report: EvaluationReport, circumstances: Circumstances, tmp_path_factory: pytest.TempPathFactory
) -> ReportFiles:
    return write_report(report, circumstances, tmp_path_factory.mktemp("report"))


class _Reader(HTMLParser):
    """Rows of all tables as text, and everything a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


def _read(page: Path) -> _Reader:
    reader = _Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


def _printed(figure: dict[str, float]) -> str:
    value, low, high = (f"{100 * figure[name]:.1f}" for name in ("value", "low", "high"))
    return f"{value} {low}–{high}"


def test_every_figure_of_the_json_stands_on_the_page(files: ReportFiles) -> None:
    found = json.loads(files.figures[0].read_text(encoding="utf-8"))
    rows = {row[0]: row for row in _read(files.page).rows}
    counted = 0
    for place, method in enumerate(found["methods"]):
        for section in method["sections"]:
            for metric in section["metrics"]:
                row = rows[metric["name"] + (" ↓" if metric["lower_is_better"] else "")]
                assert row[1] == f"{metric['comparisons']:,}"
                assert row[2 + place] == _printed(metric)
                counted += 1
    assert counted == 2 * 19
    assert found["circumstances"]["command"] == "walkprint evaluate --people 5"


def test_every_breakdown_stands_on_the_page_and_every_matrix(files: ReportFiles) -> None:
    found = json.loads(files.figures[0].read_text(encoding="utf-8"))
    network = found["methods"][0]
    rows = _read(files.page).rows
    names = [one["name"] for one in network["breakdowns"]]
    assert names == [
        "rank-1 same view",
        "rank-1 across views",
        "errors same view by view",
        "errors same view by conditions",
        "errors cross-view by angle between the views",
    ]
    for breakdown in network["breakdowns"]:
        for label, cells in breakdown["rows"]:
            assert [label, *map(_printed, cells)] in rows
    [matrix] = [one for one in network["series"] if one["name"] == "CL rank-1 by views"]
    (_, _, rate) = matrix["rows"][0]
    assert ["36°", "–", f"{100 * rate:.1f}"] in rows


def test_the_page_needs_no_other_file_and_runs_no_script(files: ReportFiles) -> None:
    text = files.page.read_text(encoding="utf-8")
    reader = _read(files.page)
    assert "script" not in reader.tags
    assert "link" not in reader.tags
    assert all(one.startswith(("data:", "#")) for one in reader.addresses)
    assert not re.search(r"https?://|@import|url\(", text)
    assert "pixels &lt;b&gt;" in text


def test_the_gallery_holds_the_worst_pairs_by_score_as_pictures(files: ReportFiles) -> None:
    walks = _walks()
    scores_nn = cosine_scores(pixels(walks.geis_nhw))
    same_nn = walks.view_n[:, None] == walks.view_n[None, :]
    other_nn = walks.subject_n[:, None] != walks.subject_n[None, :]
    worst = float(scores_nn[same_nn & other_nn].max())
    least = float(scores_nn[same_nn & ~other_nn].min())
    found = json.loads(files.figures[0].read_text(encoding="utf-8"))["worst_pairs"]
    assert [one["name"] for one in found] == ["same view", "cross-view"]
    assert found[0]["false_accepts"][0]["score"] == pytest.approx(worst)
    assert found[0]["false_rejects"][0]["score"] == pytest.approx(least)
    pictures = [one for one in _read(files.page).addresses if one.startswith("data:image/png")]
    assert len(pictures) == len(files.pictures) == 12
    content = base64.b64decode(pictures[0].partition(",")[2])
    assert content == files.pictures[0].read_bytes()
    pair = found[0]["false_accepts"][0]["first"]
    [index] = np.flatnonzero(
        (walks.subject_n == pair["subject"])
        & (walks.condition_n == pair["condition"])
        & (walks.walk_n == pair["walk"])
        & (walks.view_n == pair["view_degrees"])
    )
    drawn_hwc = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert drawn_hwc is not None
    np.testing.assert_array_equal(drawn_hwc[1:36:3, 1:30:3, 0], walks.geis_nhw[index])


def test_a_difference_is_orange_where_only_the_first_is_bright_and_blue_where_the_second() -> None:
    first_hw, second_hw = np.array([[255, 0, 90]], np.uint8), np.array([[0, 255, 90]], np.uint8)
    orange, blue, same = difference(first_hw, second_hw)[0].tolist()
    assert orange[2] > 200 > 50 > orange[0]
    assert blue[0] > 200 > blue[2]
    assert same == [0, 0, 0]


def test_both_spreadsheets_hold_the_same_numbers(
    files: ReportFiles, report: EvaluationReport
) -> None:
    with files.figures[1].open(encoding="utf-8", newline="") as lines:
        figures = list(csv.DictReader(lines))
    [eer] = [one for one in figures if (one["method"], one["row"]) == ("network", "EER same view")]
    assert float(eer["value"]) == report.method("network").value("EER same view")
    with files.figures[2].open(encoding="utf-8", newline="") as lines:
        curves = list(csv.DictReader(lines))
    expected = sum(
        len(series.rows) * len(series.columns) for one in report.methods for series in one.series
    )
    assert len(curves) == expected


def test_of_real_people_nothing_is_shown_unless_asked_for_and_then_the_page_says_so(
    report: EvaluationReport, circumstances: Circumstances, tmp_path: Path
) -> None:
    real = replace(circumstances, real_people=True)
    shown = write_report(report, real, tmp_path)
    assert "holds biometric pictures" in shown.page.read_text(encoding="utf-8")
    assert all(one.exists() for one in shown.pictures)
    silent = write_report(replace(report, worst_pairs=()), real, tmp_path)
    text = silent.page.read_text(encoding="utf-8")
    assert "names nobody and shows no picture" in text
    assert "data:image" not in text
    assert silent.pictures == ()
    assert not any(one.exists() for one in shown.pictures)  # of the report before


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_and_fits_a_telephone(
    files: ReportFiles, scheme: Literal["light", "dark"]
) -> None:
    with chromium() as browser:
        # axe is a script, which the page's own policy forbids.
        context = browser.new_context(
            viewport={"width": 360, "height": 800}, color_scheme=scheme, bypass_csp=True
        )
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(files.page.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.locator("svg.chart").count() >= 10
        found = Axe().run(page)
        assert found.response["violations"] == []
        assert [url for url in asked if not url.startswith("data:")] == [files.page.as_uri()]

"""A checkpoint's file keeps what was measured of it, and stays the same checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.baselines import pixels
from model.checkpoint import content_id, load_checkpoint, save_checkpoint
from model.evaluate import score
from model.evaluation_report import EvaluationReport
from model.recorded_evaluation import record_evaluation, recorded_figures
from tests.model.squares import squares
from tests.other_checkpoints import other_checkpoint

VIEWS = (36.0, 54.0, 90.0)


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    people = squares(people=4, views_degrees=VIEWS, first_subject=0, noise=170, column=50, seed=3)
    return score(pixels, people, "walkers", pairs_shown=1)


def test_every_figure_and_curve_of_the_network_is_kept_as_plain_json(
    report: EvaluationReport,
) -> None:
    kept = json.loads(json.dumps(recorded_figures(report, date="2026-11-27"), allow_nan=False))
    for metric in report.methods[0].metrics:
        assert kept[metric.name] == pytest.approx(metric.value, abs=5e-5)
    assert kept["measured"] == "2026-11-27: 120 walks of 4 people"
    curves = kept["series"]
    assert {"CMC NM cross-view", "DET same view", "DET cross-view", "open set"} <= curves.keys()
    assert curves["DET same view"]["columns"] == ["FMR", "FNMR", "FNMR low", "FNMR high"]


def test_the_matrix_of_views_has_a_probes_own_view_on_its_diagonal(
    report: EvaluationReport,
) -> None:
    kept = recorded_figures(report, date="2026-11-27")
    for condition in ("NM", "BG", "CL"):
        rows = kept["series"][f"{condition} rank-1 by views"]["rows"]
        rates = {(probe, gallery): rate for probe, gallery, rate in rows}
        assert rates.keys() == {(one, other) for one in VIEWS for other in VIEWS}
        across = [rate for (probe, gallery), rate in rates.items() if probe != gallery]
        own = [rate for (probe, gallery), rate in rates.items() if probe == gallery]
        assert np.mean(across) == pytest.approx(kept[f"{condition} rank-1 cross-view"], abs=1e-3)
        assert np.mean(own) == pytest.approx(kept[f"{condition} rank-1 same view"], abs=1e-3)


def test_a_long_curve_is_thinned_along_its_whole_length(report: EvaluationReport) -> None:
    network = report.methods[0]
    whole = next(one for one in network.series if one.name == "DET cross-view")
    kept = recorded_figures(report, date="2026-11-27")["series"]["DET cross-view"]["rows"]
    rates = [row[1] for row in whole.rows if row[1] >= 1e-4]
    assert len(kept) <= 32
    assert kept[0][0] == pytest.approx(min(rates), abs=5e-5)
    assert kept[-1][0] == pytest.approx(max(rates), abs=5e-5)
    assert [row[1] for row in kept] == sorted((row[1] for row in kept), reverse=True)


def test_a_figure_that_could_not_be_measured_is_left_out(report: EvaluationReport) -> None:
    network = report.methods[0]
    section = network.sections[0]
    unknown = replace(section.metrics[0], value=float("nan"))
    sections = (replace(section, metrics=(unknown, *section.metrics[1:])), *network.sections[1:])
    holed = replace(report, methods=(replace(network, sections=sections), *report.methods[1:]))
    kept = recorded_figures(holed, date="2026-11-27")
    assert unknown.name not in kept
    assert section.metrics[1].name in kept


def test_what_is_recorded_changes_neither_weights_nor_id(
    report: EvaluationReport, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    before = replace(other_checkpoint(), metrics={"tree": {"leave one out": 0.5}})
    save_checkpoint(before, path)
    record_evaluation(path, report, date="2026-11-27")
    after = load_checkpoint(path)
    assert after.checkpoint_id == before.checkpoint_id == content_id(after)
    assert after.metrics["tree"] == {"leave one out": 0.5}
    assert after.metrics["walkers"] == recorded_figures(report, date="2026-11-27")
    for name, tensor in before.weights.items():
        np.testing.assert_array_equal(after.weights[name], tensor)

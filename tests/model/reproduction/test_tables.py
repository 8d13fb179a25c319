"""Our figures and the paper's are printed side by side and never in one column."""

from __future__ import annotations

from dataclasses import replace

from model.bootstrap import NOTHING, Estimate
from model.network_config import Architecture
from model.reproduction.linear_maps import LinearMapsError
from model.reproduction.recognition import Recognition
from model.reproduction.report import Measured, Row
from model.reproduction.tables import cross_view_table, linear_maps_table, recognition_tables

LAYERS = ("stem", "stages.0.0.reduce", "stages.0.0.spatial")
HALF = Estimate(value=0.5, low=0.25, high=0.75, people=4, comparisons=8)


def test_a_row_ends_with_the_papers_figure_as_the_paper_prints_it() -> None:
    row = Row("36°", (Measured(97.25, 95.0, 99.0), None), "98 / 98.1")
    assert row.cells() == ("36°", "97.2 (95.0–99.0)", "–", "98 / 98.1")
    assert replace(row, decimals=0, ours=(Measured(3.0),)).cells() == ("36°", "3", "98 / 98.1")


def test_the_linear_maps_are_told_in_thousandths_and_as_a_share_where_there_is_one() -> None:
    errors = [LinearMapsError(0.0033, 0.125), LinearMapsError(0.011, float("nan"))]
    table = linear_maps_table(dict(zip(LAYERS, [*errors, errors[0]], strict=True)))
    assert table.header[-1] == "paper"
    assert [row.cells()[1:] for row in table.rows] == [
        ("3.3", "12.5", "3.3"),
        ("11.0", "–", "11.0"),
        ("3.3", "12.5", "23.9"),
    ]


def test_views_that_were_not_seen_are_left_empty_beside_the_papers_figures() -> None:
    found = Recognition(by_view={90.0: HALF}, by_condition={"nm": HALF, "bg": HALF, "cl": NOTHING})
    both: dict[Architecture, Recognition] = {"resnet50": found, "l-resnet50": found}
    by_view, by_condition, _ = recognition_tables(both, both)
    cells = {row.name: row.cells()[1:] for row in (*by_view.rows, *by_condition.rows)}
    assert cells["90°"] == ("50.0 (25.0–75.0)", "50.0 (25.0–75.0)", "92.2 / 91.5")
    assert cells["36°"] == ("–", "–", "98 / 98.1")
    assert cells["CL, in a coat"] == ("–", "–", "77.3 / 76")


def test_what_the_paper_did_not_measure_has_an_empty_paper_column() -> None:
    rates = {"raw GEI": {"nm": HALF, "bg": HALF, "cl": HALF}}
    table = cross_view_table(rates, people=50)
    assert table.columns == ("raw GEI",)
    assert {row.paper for row in table.rows} == {"–"}
    assert table.rows[0].ours[0] == Measured(50.0, 25.0, 75.0)

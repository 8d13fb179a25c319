"""The page of an evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from model.bootstrap import Estimate
from model.evaluation_page.circumstances import Circumstances
from model.evaluation_page.curves import cmc_charts, det_charts, open_set_charts, spread_charts
from model.evaluation_page.pair_pictures import side_by_side
from model.evaluation_report import MATRIX_ENDING, EvaluationReport, MethodReport, Metric
from model.report_page.pictures import data_uri, png
from model.report_page.render import render
from model.worst_pairs import SeenWalk, WalkPair

_IN_WORDS = {"nm": "as they come", "bg": "with a bag", "cl": "in a coat"}


@dataclass(frozen=True, slots=True)
class ShownPair:
    """One pair of the gallery of errors.

    Attributes:
        score: as it is printed.
        first: the first walk in words.
        second: the other.
        is_error: whether the threshold decides wrongly.
        picture: both GEIs and their difference, as an address that holds them.
    """

    score: str
    first: str
    second: str
    is_error: bool
    picture: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rank-1 by pair of views.

    Attributes:
        name: of the condition.
        gallery_views: columns, in words.
        rows: the probe's view in words and per cent by gallery view; None where there is none.
    """

    name: str
    gallery_views: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


def html_page(report: EvaluationReport, circumstances: Circumstances) -> str:
    """One file with everything in it.

    Args:
        report: what was found.
        circumstances: what it ran on.
    """
    first = report.methods[0]
    return render(
        "evaluation.html",
        report=report,
        run=circumstances,
        first=first,
        methods=[method.method for method in report.methods],
        rows={
            (section.title, metric.name): [_own(method, metric.name) for method in report.methods]
            for section in first.sections
            for metric in section.metrics
        },
        cmc=cmc_charts(report),
        det=det_charts(report),
        spreads=spread_charts(first),
        open_set=open_set_charts(report),
        matrices=_matrices(first),
        galleries=[
            (
                pairs.name or "all pairs",
                f"{pairs.threshold:.3f}",
                [_shown(pair, report) for pair in pairs.false_accepts],
                [_shown(pair, report) for pair in pairs.false_rejects],
            )
            for pairs in report.worst_pairs
        ],
        percent=percent,
        milliseconds=milliseconds,
    )


def percent(figure: Metric | Estimate | None) -> Markup:
    """A figure in per cent with its interval; a dash where nothing could be measured."""
    if figure is None:
        return Markup("")
    if math.isnan(figure.value):
        return Markup("–")
    return Markup("{} <small>{}–{}</small>").format(
        *(f"{100 * value:.1f}" for value in (figure.value, figure.low, figure.high))
    )


def milliseconds(value: float) -> str:
    """A time with three digits that mean something."""
    return "–" if math.isnan(value) else f"{value:.3g} ms"


def in_words(walk: SeenWalk, *, with_condition: bool) -> str:
    """A walk as a caption names it."""
    parts = [f"person {walk.subject}"]
    if with_condition:
        parts.append(f"{walk.condition}-{walk.walk:02d} ({_IN_WORDS.get(walk.condition, '')})")
    else:
        parts.append(f"walk {walk.walk}")
    if walk.view_degrees is not None:
        parts.append(f"{walk.view_degrees:g}°")
    return ", ".join(parts)


def _own(method: MethodReport, name: str) -> Metric | None:
    return {metric.name: metric for metric in method.metrics}.get(name)


def _shown(pair: WalkPair, report: EvaluationReport) -> ShownPair:
    with_condition = report.dataset in ("walkers", "casia-b")
    return ShownPair(
        f"{pair.score:.3f}",
        in_words(pair.first, with_condition=with_condition),
        in_words(pair.second, with_condition=with_condition),
        pair.is_error,
        data_uri(png(side_by_side(pair))),
    )


def _matrices(method: MethodReport) -> list[Matrix]:
    matrices = []
    for series in method.series:
        if not series.name.endswith(MATRIX_ENDING):
            continue
        rates = {(probe, gallery): rate for probe, gallery, rate in series.rows}
        probes = sorted({probe for probe, _ in rates})
        galleries = sorted({gallery for _, gallery in rates})
        rows = tuple(
            (f"{probe:g}°", tuple(_known(rates.get((probe, gallery))) for gallery in galleries))
            for probe in probes
        )
        name = series.name.removesuffix(MATRIX_ENDING)
        matrices.append(Matrix(name, tuple(f"{view:g}°" for view in galleries), rows))
    return matrices


def _known(rate: float | None) -> float | None:
    return None if rate is None or math.isnan(rate) else 100.0 * rate

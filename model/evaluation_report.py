"""What an evaluation found: figures with their uncertainty, as JSON and as a table."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Literal, TypeAlias

from rich.table import Table

from model.bootstrap import Estimate
from model.worst_pairs import WorstPairs

DatasetName: TypeAlias = Literal["walkers", "casia-a", "casia-b", "tree"]

MATRIX_ENDING = " rank-1 by views"
"""What the name of a series of probe and gallery views ends with, after the condition."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure with its uncertainty.

    Attributes:
        name: what was measured; no other metric of the report has it.
        value: 0 to 1.
        low: of the 95 % interval (bootstrap over people).
        high: the same.
        people: who were resampled.
        comparisons: probes in identification, pairs in verification, walks in enrolment.
        lower_is_better: for error rates.
    """

    name: str
    value: float
    low: float
    high: float
    people: int
    comparisons: int
    lower_is_better: bool = False

    @classmethod
    def of(cls, name: str, estimate: Estimate, *, lower_is_better: bool = False) -> Metric:
        """Names an estimate."""
        return cls(
            name,
            estimate.value,
            estimate.low,
            estimate.high,
            estimate.people,
            estimate.comparisons,
            lower_is_better,
        )


@dataclass(frozen=True, slots=True)
class Section:
    """Metrics that are read together.

    Attributes:
        title: what they have in common.
        note: the protocol in a sentence or two.
        metrics: in the order of the table.
    """

    title: str
    note: str
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """A figure of many numbers, for the JSON only: a curve, or a matrix cell by cell.

    Attributes:
        name: what was measured.
        columns: what the numbers of a row are.
        rows: the numbers.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One figure, or some, taken apart: by view, by condition.

    Attributes:
        name: what was measured; no other breakdown of the method has it.
        note: the protocol in a sentence.
        by: what the rows are.
        columns: what the figures of a row are.
        rows: the name of each row, and a figure for each column.
    """

    name: str
    note: str
    by: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Estimate, ...]], ...]


@dataclass(frozen=True, slots=True)
class MethodReport:
    """All figures of one method on one data set.

    Attributes:
        method: "network", "raw GEI" or "PCA + LDA".
        sections: in the same order for every method; only the network has thresholds of its own.
        series: CMC and DET curves, how scores are spread, and rank-1 by pair of views.
        breakdowns: by view and condition; of the first method only.
    """

    method: str
    sections: tuple[Section, ...]
    series: tuple[Series, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()

    @property
    def metrics(self) -> Iterator[Metric]:
        """Those of all sections."""
        return (metric for section in self.sections for metric in section.metrics)

    def metric(self, name: str) -> Metric:
        """One metric. KeyError where it was not measured."""
        return {metric.name: metric for metric in self.metrics}[name]

    def value(self, name: str) -> float:
        """The figure of one metric. KeyError where it was not measured."""
        return self.metric(name).value


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What an evaluation found.

    Attributes:
        dataset: which one.
        subjects: people.
        walks: walks that were scored.
        refused: walks that could not be used, by reason.
        failure_to_enrol: refused walks of all walks.
        methods: the network first, then the baselines.
        notes: how to read the figures.
        worst_pairs: what the first method errs on most, where it was asked for.
    """

    dataset: DatasetName
    subjects: int
    walks: int
    refused: dict[str, int]
    failure_to_enrol: Metric
    methods: tuple[MethodReport, ...]
    notes: tuple[str, ...]
    worst_pairs: tuple[WorstPairs, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain JSON values without pictures; a figure that could not be measured is null."""
        values = asdict(replace(self, worst_pairs=()))
        values["worst_pairs"] = [pairs.to_json() for pairs in self.worst_pairs]
        plain: dict[str, object] = json.loads(
            json.dumps(values), parse_constant=lambda _not_a_number: None
        )
        return plain

    def method(self, name: str) -> MethodReport:
        """One method's figures. KeyError where it did not take part."""
        return {method.method: method for method in self.methods}[name]

    def table(self) -> Table:
        """One row per metric, one column per method; intervals behind the figures."""
        table = Table(title=f"{self.dataset}: {self.walks} walks of {self.subjects} people")
        table.add_column("")
        table.add_column("n", justify="right")
        for method in self.methods:
            table.add_column(method.method, justify="right")
        rate = self.failure_to_enrol
        refused = f"{rate.name} ↓", f"{rate.comparisons:,}", _shown(rate)
        table.add_row(*refused, end_section=True)
        measured = [{metric.name: metric for metric in one.metrics} for one in self.methods]
        for section in self.methods[0].sections:
            table.add_row(f"[bold]{section.title}[/]")
            for metric in section.metrics:
                table.add_row(
                    f"  {metric.name} ↓" if metric.lower_is_better else f"  {metric.name}",
                    f"{metric.comparisons:,}",
                    *(_shown(one.get(metric.name)) for one in measured),
                )
            table.add_section()
        return table

    def explanations(self) -> tuple[str, ...]:
        """How to read the table: a line per section, then the notes."""
        sections = (f"{one.title}: {one.note}" for one in self.methods[0].sections)
        return (*sections, *self.notes)


def _shown(metric: Metric | None) -> str:
    if metric is None:
        return ""
    if math.isnan(metric.value):
        return "–"
    return f"{metric.value:.3f} [{metric.low:.3f}–{metric.high:.3f}]"

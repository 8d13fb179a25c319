"""What an evaluation found: figures with their uncertainty, as JSON and as a table."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from rich.table import Table

DatasetName: TypeAlias = Literal["walkers", "casia-a", "tree"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure with its uncertainty.

    Attributes:
        name: what was measured.
        value: 0 to 1.
        low: of the 95 % interval (bootstrap over subjects); None where none is estimated.
        high: the same.
        lower_is_better: for error rates.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True)
class MethodReport:
    """All figures of one method on one data set.

    Attributes:
        method: "network", "raw GEI" or "PCA + LDA".
        metrics: in the same order for every method.
    """

    method: str
    metrics: tuple[Metric, ...]

    def value(self, name: str) -> float:
        """The figure of one metric. KeyError where it was not measured."""
        return {metric.name: metric.value for metric in self.metrics}[name]


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What an evaluation found.

    Attributes:
        dataset: which one.
        subjects: people.
        walks: walks that were scored.
        refused: walks that could not be used, by reason.
        methods: the network first, then the baselines.
        notes: how to read the figures.
    """

    dataset: DatasetName
    subjects: int
    walks: int
    refused: dict[str, int]
    methods: tuple[MethodReport, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Plain JSON values; a figure that could not be measured is null."""
        plain: dict[str, object] = json.loads(
            json.dumps(asdict(self)), parse_constant=lambda _not_a_number: None
        )
        return plain

    def method(self, name: str) -> MethodReport:
        """One method's figures. KeyError where it did not take part."""
        return {method.method: method for method in self.methods}[name]

    def table(self) -> Table:
        """One row per metric, one column per method; intervals behind the figures."""
        refused = sum(self.refused.values())
        title = f"{self.dataset}: {self.walks} walks of {self.subjects} people"
        table = Table(title=f"{title}, {refused} refused" if refused else title)
        table.add_column("")
        for method in self.methods:
            table.add_column(method.method, justify="right")
        for row, metric in enumerate(self.methods[0].metrics):
            name = f"{metric.name} ↓" if metric.lower_is_better else metric.name
            table.add_row(name, *(_shown(method.metrics[row]) for method in self.methods))
        table.caption = " ".join(self.notes)
        return table


def _shown(metric: Metric) -> str:
    if math.isnan(metric.value):
        return "–"
    if metric.low is None or metric.high is None:
        return f"{metric.value:.3f}"
    return f"{metric.value:.3f} [{metric.low:.2f}–{metric.high:.2f}]"

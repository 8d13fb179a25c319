"""What a reproduction found: tables, what they ran on, and where the figures lie."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from model.bootstrap import Estimate
from model.network_config import Architecture
from model.reproduction.paper import EMPTY

NETWORK_NAMES: dict[Architecture, str] = {"resnet50": "ResNet-50", "l-resnet50": "L-ResNet-50"}


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure of this run.

    Attributes:
        value: in the unit of its row.
        low: of the 95 % interval (bootstrap over people); None where there is none.
        high: the same.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def percent(cls, estimate: Estimate) -> Measured:
        """A rate of 0 to 1 in per cent."""
        return cls(100.0 * estimate.value, 100.0 * estimate.low, 100.0 * estimate.high)

    def text(self, decimals: int) -> str:
        """The figure as it is printed, with its interval where it has one."""
        shown = f"{self.value:.{decimals}f}"
        if self.low is None or self.high is None:
            return shown
        return f"{shown} ({self.low:.{decimals}f}–{self.high:.{decimals}f})"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        name: with the unit, where the table's note does not say it.
        ours: a figure for each column of the table; None where there is none.
        paper: as the paper prints it.
        decimals: shown of our figures.
    """

    name: str
    ours: tuple[Measured | None, ...]
    paper: str = EMPTY
    decimals: int = 1

    def cells(self) -> tuple[str, ...]:
        """The row as it is printed, the paper's figure last."""
        own = (EMPTY if one is None else one.text(self.decimals) for one in self.ours)
        return (self.name, *own, self.paper)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the paper, or one beside them.

    Attributes:
        title: with its number in the paper.
        note: what is counted and how, in words.
        columns: of our own figures.
        rows: from top to bottom.
    """

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """Names of all columns as printed; the last is *paper*."""
        return ("", *self.columns, "paper")


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture.

    Attributes:
        title: with its number in the paper.
        note: what it shows.
        file: its name in the output folder.
    """

    title: str
    note: str
    file: str


@dataclass(frozen=True, slots=True)
class Label:
    """What a reproduction ran on. It stands beside every table and in every figure.

    Attributes:
        dataset: in words.
        people: that were trained on and tested.
        trained_walks: GEIs trained on, one per walk.
        tested_walks: GEIs tested.
        input_size: of the networks, rows × columns in pixels.
        steps: batches.
        batch: GEIs in each.
        seed: of first weights and batches.
        device: torch's name of it.
        date: of the report, YYYY-MM-DD.
        fingerprint: of the walks.
        torch: its version.
        reduced: what is less than, or other than, in the paper; in words.
    """

    dataset: str
    people: int
    trained_walks: int
    tested_walks: int
    input_size: str
    steps: int
    batch: int
    seed: int
    device: str
    date: str
    fingerprint: str
    torch: str
    reduced: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """All of it in one line, for tables and figures."""
        return (
            f"{self.dataset}: {self.people} people, {self.trained_walks:,} walks trained on,"
            f" {self.tested_walks:,} tested; input {self.input_size}, {self.steps} batches of"
            f" {self.batch}, seed {self.seed}, {self.device}, {self.date}"
        )


@dataclass(frozen=True, slots=True)
class ReproductionReport:
    """Everything one run found.

    Attributes:
        label: what it ran on.
        tables: in the paper's order.
        figures: likewise.
        remarks: findings that are no table, in sentences.
        losses: cross-entropy of every batch, by the network's name: figure 5 in numbers.
    """

    label: Label
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...]
    losses: dict[str, tuple[float, ...]]

    def to_json(self) -> dict[str, object]:
        """The same as plain JSON values."""
        return asdict(self)

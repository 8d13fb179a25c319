"""Whether fine-tuning helped: figures before and after, and a verdict in words.

Shape letters: N walks.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from rich.table import Table

from model.change import Change

Verdict: TypeAlias = Literal["helped", "did not help", "too few people to tell"]

FEWEST_JUDGES = 8  # people kept back; the resamples of fewer say little about people at large
WORTHWHILE = 0.02  # a gain that would be worth a new checkpoint


@dataclass(frozen=True, slots=True)
class FinetuneReport:
    """What fine-tuning did to people it was not shown.

    Attributes:
        trained_people: who were learnt.
        trained_walks: of these people.
        strangers: people kept back altogether; they decide the verdict.
        refused: walks that could not be used, by reason.
        on_strangers: figures of the people kept back.
        on_kept_back_walks: figures of the learnt people's other walks.
        on_walkers: figures of generated people: what was forgotten.
        passing_strangers: share of impostor pairs among the strangers at or above the threshold
            that the new calibration gives for a false-match rate of 1 %.
        before: id of the checkpoint that was started from.
        after: id of the new one.
    """

    trained_people: int
    trained_walks: int
    strangers: int
    refused: dict[str, int]
    on_strangers: tuple[Change, ...]
    on_kept_back_walks: tuple[Change, ...]
    on_walkers: tuple[Change, ...]
    passing_strangers: float
    before: str
    after: str

    @property
    def verdict(self) -> Verdict:
        """Told from the strangers alone.

        It helped if a figure rose beyond chance and none fell so; it did not if one fell, or if a
        gain of two points can be ruled out in each; otherwise nobody can tell.
        """
        if self.strangers < FEWEST_JUDGES:
            return "too few people to tell"
        if any(change.is_loss for change in self.on_strangers):
            return "did not help"
        if any(change.is_gain for change in self.on_strangers):
            return "helped"
        if all(change.high < WORTHWHILE for change in self.on_strangers):
            return "did not help"
        return "too few people to tell"

    def to_json(self) -> dict[str, object]:
        """Plain JSON values; a figure that could not be measured is null."""
        plain: dict[str, object] = json.loads(
            json.dumps({"verdict": self.verdict, **asdict(self)}),
            parse_constant=lambda _not_a_number: None,
        )
        return plain

    def table(self) -> Table:
        """One row per figure; the interval is that of the gain."""
        table = Table(title=f"{self.before} → {self.after}")
        for column in ("", "before", "after", "gain, 95 % interval over people"):
            table.add_column(column, justify="left" if not column else "right")
        groups = (
            (f"{self.strangers} people kept back", self.on_strangers),
            (f"other walks of the {self.trained_people} learnt", self.on_kept_back_walks),
            ("generated walkers", self.on_walkers),
        )
        for group, changes in groups:
            for change in changes:
                name = f"{change.name} ↓" if change.lower_is_better else change.name
                gain = f"{change.low:+.3f} … {change.high:+.3f}"
                table.add_row(
                    f"{group}: {name}",
                    _shown(change.before),
                    _shown(change.after),
                    "–" if math.isnan(change.low) else gain,
                )
        return table


def _shown(figure: float) -> str:
    return "–" if math.isnan(figure) else f"{figure:.3f}"

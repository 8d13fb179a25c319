"""What a gallery says about how much of its subjects is kept, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from app.errors import InvalidField

RuleName: TypeAlias = Literal["walks_per_subject", "keep_walks_days", "keep_subjects_days"]

_HIGHEST: Final[Mapping[RuleName, int]] = {
    "walks_per_subject": 1000,
    # A hundred years: more is a slip of the finger.
    "keep_walks_days": 36_500,
    "keep_subjects_days": 36_500,
}


@dataclass(frozen=True, slots=True)
class GalleryRules:
    """The rules of one gallery; None where there is none.

    Attributes:
        walks_per_subject: most walks kept of one subject; the best are chosen at each enrolment.
        keep_walks_days: age in days at which walks are erased.
        keep_subjects_days: days after its newest walk at which a subject is erased.
    """

    walks_per_subject: int | None = None
    keep_walks_days: int | None = None
    keep_subjects_days: int | None = None


def clean_rules(rules: Mapping[RuleName, int | None]) -> dict[str, int | None]:
    """Rules as they are stored, by the name of their column.

    Args:
        rules: those that change; None lifts one.

    Raises:
        InvalidField: a number out of range.
    """
    for name, value in rules.items():
        if value is not None and not 1 <= value <= _HIGHEST[name]:
            raise InvalidField(
                name, f"It must be a whole number from 1 to {_HIGHEST[name]}, or null for no rule."
            )
    return {str(name): value for name, value in rules.items()}

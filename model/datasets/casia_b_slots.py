"""The slots of CASIA data set B (Yu, Tan and Tan 2006): 124 people, 10 walks, 11 views.

A slot is one walk seen from one view, `SSS/TYPE/VVV`. 47 of the 13,640 are empty in every copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SUBJECTS = tuple(f"{number:03d}" for number in range(1, 125))
WALKS = tuple(
    (condition, walk)
    for condition, walks in (("nm", 6), ("bg", 2), ("cl", 2))
    for walk in range(1, walks + 1)
)
VIEWS_DEGREES = tuple(range(0, 181, 18))
FRAMES_PER_SECOND = 25.0  # as the data set's page states

_SLOT = re.compile(r"(?P<subject>\d{3})/(?P<condition>nm|bg|cl)-(?P<walk>\d{2})/(?P<view>\d{3})")


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One walk from one view.

    Attributes:
        subject: "001" … "124".
        condition: "nm", "bg" or "cl".
        walk: within the condition, from 1.
        view_degrees: 0, 18, … 180.
    """

    subject: str
    condition: str
    walk: int
    view_degrees: int

    def __str__(self) -> str:
        return f"{self.subject}/{self.walk_folder}/{self.view_degrees:03d}"

    @property
    def walk_folder(self) -> str:
        """The walk as the data set's folders name it, such as "nm-01"."""
        return f"{self.condition}-{self.walk:02d}"

    @classmethod
    def parse(cls, text: str) -> Slot | None:
        """Reads "001/nm-01/090"; None for anything that is no slot of the data set."""
        match = _SLOT.fullmatch(text)
        if match is None:
            return None
        slot = cls(match["subject"], match["condition"], int(match["walk"]), int(match["view"]))
        known = slot.subject in SUBJECTS and slot.view_degrees in VIEWS_DEGREES
        return slot if known and (slot.condition, slot.walk) in WALKS else None


def slots_of(subject: str) -> Iterator[Slot]:
    """The 110 slots of one person, by walk and view."""
    for condition, walk in WALKS:
        for view_degrees in VIEWS_DEGREES:
            yield Slot(subject, condition, walk, view_degrees)


def all_slots() -> Iterator[Slot]:
    """All 13,640 slots, by subject, walk and view."""
    for subject in SUBJECTS:
        yield from slots_of(subject)


def _gaps() -> Iterator[Slot]:
    for condition, walk in WALKS:
        yield Slot("005", condition, walk, 0)
    listed = (
        ("026", "cl", 2, (162,)),
        ("037", "bg", 1, (144, 162, 180)),
        ("037", "bg", 2, (54, 126, 162)),
        ("048", "cl", 1, (162,)),
        ("048", "cl", 2, (54, 126, 144, 162)),
        ("068", "nm", 1, (54, 126, 144, 162)),
        ("068", "nm", 2, (126, 162)),
        ("068", "nm", 3, (126, 144, 180)),
        ("068", "nm", 4, (126, 144)),
        ("079", "bg", 2, (54, 162)),
        ("088", "nm", 3, (54, 126, 162, 180)),
        ("088", "nm", 4, (54, 126, 162, 180)),
        ("109", "nm", 1, (126, 144, 162, 180)),
    )
    for subject, condition, walk, views_degrees in listed:
        for view_degrees in views_degrees:
            yield Slot(subject, condition, walk, view_degrees)


KNOWN_GAPS = frozenset(_gaps())
"""The slots that are empty in the data set as it is given out."""

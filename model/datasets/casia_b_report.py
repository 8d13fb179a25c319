"""What a copy of CASIA-B holds, beside what it should hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.datasets.casia_b_slots import KNOWN_GAPS, SUBJECTS, Slot, slots_of
from model.datasets.walk_set import WalkSet


@dataclass(frozen=True, slots=True)
class CasiaBReport:
    """The slots of a copy. Every slot of the people in it is filled, a known gap, missing or
    refused.

    Attributes:
        slots: of the people in the copy, 110 each.
        filled: slots whose walk can be used.
        known_gaps: slots that are empty here and in every other copy.
        filled_gaps: slots that should be empty and are not.
        missing: slots that should be filled and hold nothing.
        absent_subjects: people of whom there is nothing at all.
        without_cycle: filled slots in which no gait cycle was found.
    """

    slots: int
    filled: int
    known_gaps: tuple[str, ...]
    filled_gaps: tuple[str, ...]
    missing: tuple[str, ...]
    absent_subjects: tuple[str, ...]
    without_cycle: int


def report_on(walks: WalkSet) -> CasiaBReport:
    """Compares a copy with the constants of the data set."""
    filled = {
        Slot(str(subject), str(condition), int(walk), int(view))
        for subject, condition, walk, view in zip(
            walks.subject_n, walks.condition_n, walks.walk_n, walks.view_n, strict=True
        )
    }
    refused = {refusal.walk for refusal in walks.refused}
    present = {slot.subject for slot in filled} | {refusal.subject for refusal in walks.refused}
    expected = [slot for subject in sorted(present) for slot in slots_of(subject)]
    empty = [slot for slot in expected if slot not in filled and str(slot) not in refused]
    return CasiaBReport(
        slots=len(expected),
        filled=len(filled),
        known_gaps=tuple(str(slot) for slot in empty if slot in KNOWN_GAPS),
        filled_gaps=tuple(str(slot) for slot in sorted(filled & KNOWN_GAPS)),
        missing=tuple(str(slot) for slot in empty if slot not in KNOWN_GAPS),
        absent_subjects=tuple(subject for subject in SUBJECTS if subject not in present),
        without_cycle=int(np.isnan(walks.period_frames_n).sum()),
    )

"""What several processes did and saw, and whether one truth can explain it.

Every event carries when it was asked for and when it was acknowledged, on the clock that all
processes of a machine share. Whatever lies between the two may have happened at any moment of
them; what lies before or after may not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Deed = Literal["enrol", "erase", "identify"]


@dataclass(frozen=True, slots=True)
class Event:
    """One call, as its caller saw it.

    Attributes:
        deed: what was asked for.
        subject: who was enrolled, erased, or looked for with their own enrolled vector.
        begun_ns: just before the call, on CLOCK_MONOTONIC.
        ended_ns: just after its answer.
        revision: that the change made, or that the search was made at.
        found: everybody an identification named, best first; empty otherwise.
    """

    deed: Deed
    subject: str
    begun_ns: int
    ended_ns: int
    revision: int
    found: tuple[str, ...] = ()

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_line(line: str) -> Event:
        """The event of such a line."""
        fields = json.loads(line)
        return Event(**{**fields, "found": tuple(fields["found"])})


def contradictions(events: Iterable[Event]) -> list[str]:
    """What no order of the calls can explain; empty for a history that holds together.

    Subjects are enrolled once each and their ids are never used again. Checked are: no revision
    is made twice or left out; no search is made at a revision older than a change acknowledged
    before it; nobody acknowledged is missed; nobody erased is named.
    """
    ordered = sorted(events, key=lambda event: event.begun_ns)
    changes = [event for event in ordered if event.deed != "identify"]
    enrolled = {event.subject: event for event in ordered if event.deed == "enrol"}
    erased = {event.subject: event for event in ordered if event.deed == "erase"}
    found = _revisions(changes)
    for search in (event for event in ordered if event.deed == "identify"):
        found += _seen_too_little(search, changes, enrolled, erased)
        found += [
            f"{name} was erased and then named by the search for {search.subject}"
            for name in search.found
            if name in erased and erased[name].ended_ns < search.begun_ns
        ]
        found += [
            f"{name} was named before anybody enrolled them"
            for name in search.found
            if name not in enrolled or enrolled[name].begun_ns > search.ended_ns
        ]
    return found


def _revisions(changes: list[Event]) -> list[str]:
    made = Counter(event.revision for event in changes)
    twice = [f"revision {revision} was made twice" for revision, n in made.items() if n > 1]
    missing = set(range(1, max(made, default=0) + 1)) - made.keys()
    return twice + [f"revision {revision} was made by nobody" for revision in sorted(missing)]


def _seen_too_little(
    search: Event, changes: list[Event], enrolled: dict[str, Event], erased: dict[str, Event]
) -> list[str]:
    before = [event.revision for event in changes if event.ended_ns < search.begun_ns]
    if search.revision < max(before, default=0):
        return [f"a search at revision {search.revision} after revision {max(before)}"]
    wanted, gone = enrolled.get(search.subject), erased.get(search.subject)
    if wanted is None or wanted.ended_ns >= search.begun_ns:
        return []
    if gone is not None and gone.begun_ns <= search.ended_ns:
        return []
    return [] if search.subject in search.found[:1] else [f"{search.subject} was missed"]

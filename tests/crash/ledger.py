"""What the victims of the crash trials asked for and were promised, and what must be there now."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Ledger:
    """The state that promises lead to, and what was asked and never answered.

    Attributes:
        homes: gallery of each subject that must be there.
        walks: whose walks each of them has: its own, and of those merged into it.
        gone: subjects that must not be there.
        open: deeds that were asked for and not acknowledged: (deed, where, subject).
    """

    homes: dict[str, str] = field(default_factory=dict)
    walks: dict[str, set[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    open: list[tuple[str, str, str]] = field(default_factory=list)

    @staticmethod
    def read(path: Path) -> Ledger:
        """Everything that was written so far, by all victims."""
        ledger = Ledger()
        for line in path.read_text().splitlines():
            stage, deed, where, subject = json.loads(line)
            if stage == "asked":
                ledger.open.append((deed, where, subject))
            elif stage == "accepted":
                # From here on it must happen, whoever dies.
                ledger.open.remove((deed, where, subject))
                ledger.apply(deed, where, subject)
            elif deed != "enrol":
                ledger.open.remove((deed, where, subject))
                ledger.apply(deed, where, subject)
        return ledger

    def apply(self, deed: str, where: str, subject: str) -> None:
        """Does a deed to the expected state."""
        if deed == "enrol":
            self.homes[subject] = where
            self.walks[subject] = {subject}
        elif deed == "move":
            self.homes[subject] = where
        else:
            del self.homes[subject]
            walks = self.walks.pop(subject)
            self.gone.add(subject)
            if deed == "merge":
                self.walks[where] |= walks

    def settle(self, stored: dict[str, str]) -> None:
        """Takes each unanswered deed for done or not, as SQL says: either is right.

        Args:
            stored: the gallery of each subject in SQL.
        """
        for deed, where, subject in self.open:
            happened = {
                "enrol": subject in stored,
                "move": stored.get(subject) == where,
                "erase": subject not in stored,
                "merge": subject not in stored,
            }[deed]
            if happened:
                self.apply(deed, where, subject)
        self.open.clear()

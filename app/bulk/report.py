"""The report of a bulk enrolment: one JSON line per finished walk, the memory of the next run."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self


class ReportInUse(Exception):
    """Another run writes this report at the moment."""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one walk.

    Attributes:
        gallery: where it was enrolled.
        subject: the subject's folder name.
        walk: the file's or folder's name.
        outcome: "enrolled" or "failed".
        stamp: of the files as they were (see `WalkFile.stamp`).
        finished_at: ISO 8601, UTC.
        seconds: from opening the file to the answer.
        walk_id: of the stored walk; None after a failure, and where the gallery had no room for it.
        problem: the service's problem, with reason and advice; None after success.
    """

    gallery: str
    subject: str
    walk: str
    outcome: str
    stamp: str
    finished_at: str
    seconds: float
    walk_id: str | None = None
    problem: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The line as it stands in the file; empty entries are left out."""
        entries = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in entries.items() if value is not None}


@dataclass(slots=True)
class _Past:
    """What the report says about one walk so far."""

    enrolled_stamp: str | None = None
    failures: int = 0


@dataclass(slots=True)
class Report:
    """A report file, read when opened and appended to; locked, so that one run writes it.

    Use as `with Report(path) as report`. Appending is safe from several threads.

    Raises:
        ReportInUse: on entering, when another run holds the file.
    """

    path: Path
    _past: dict[tuple[str, str, str], _Past] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _file: Any = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            self._file.close()
            raise ReportInUse(f"Another run writes {self.path} at the moment.") from held
        self._file.seek(0)
        text = self._file.read()
        for row in text.splitlines():
            self._remember(row)
        if text and not text.endswith("\n"):
            # The last run died within a line: that line is lost, the next must stand alone.
            self._file.write("\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def is_enrolled(self, gallery: str, subject: str, walk: str, stamp: str) -> bool:
        """Whether this very recording was enrolled before (a changed file counts as new)."""
        past = self._past.get((gallery, subject, walk))
        return past is not None and past.enrolled_stamp == stamp

    def failures(self, gallery: str, subject: str, walk: str) -> int:
        """How often this walk was answered with a problem."""
        past = self._past.get((gallery, subject, walk))
        return past.failures if past else 0

    def append(self, line: Line) -> None:
        """Writes one line to the file at once."""
        row = json.dumps(line.to_json(), ensure_ascii=False, default=str)
        with self._lock:
            self._file.write(row + "\n")
            self._file.flush()
            self._remember(row)

    def _remember(self, row: str) -> None:
        try:
            entry = json.loads(row)
            key = (entry["gallery"], entry["subject"], entry["walk"])
            outcome, stamp = entry["outcome"], entry["stamp"]
        except (ValueError, KeyError, TypeError):
            return  # A torn line: its walk counts as not done and is sent under the same key.
        past = self._past.setdefault(key, _Past())
        if outcome == "enrolled":
            past.enrolled_stamp = stamp
        else:
            past.failures += 1

"""What an examination says of one part of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        part: that was looked at.
        level: "fail" is what keeps the service from working, "warn" what may.
        says: what was found; holds no secret.
        advice: what to do about it; empty where all is well.
    """

    part: str
    level: Level
    says: str
    advice: str = ""


def fine(part: str, says: str) -> Finding:
    """Nothing is to be done."""
    return Finding(part, "ok", says)


def doubtful(part: str, says: str, advice: str) -> Finding:
    """It works, but may not go on working, or not as meant."""
    return Finding(part, "warn", says, advice)


def broken(part: str, says: str, advice: str) -> Finding:
    """It cannot work."""
    return Finding(part, "fail", says, advice)

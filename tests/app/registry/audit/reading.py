"""What was noted, for tests."""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlalchemy import create_engine, text


class Noted(NamedTuple):
    """One entry."""

    actor: str
    action: str
    details: dict[str, object]


def noted(database_url: str) -> list[Noted]:
    """All entries, as somebody else reads them from the table."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT entry FROM audit ORDER BY seq")).scalars().all()
    engine.dispose()
    entries = [json.loads(row) for row in rows]
    return [Noted(each["actor"], each["action"], each["details"]) for each in entries]


def details_of(database_url: str, action: str) -> list[dict[str, object]]:
    """The details of all entries of one kind."""
    return [each.details for each in noted(database_url) if each.action == action]

"""What is kept of a subject that was merged into another: enough to bring it back.

It lies in one JSON value beside the merge, and goes with it: when the merge is undone, when its
time is up, and when the surviving subject is erased.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from app.registry.tables import merges


@dataclass(frozen=True, slots=True)
class Absorbed:
    """A subject as it was when it was merged.

    Attributes:
        gallery_id: number of the gallery it was in.
        name: for people to read, if given.
        metadata: JSON object.
        created_at: of the subject, in UTC.
        walks: ids of its walks, without those that were erased since.
        merges: ids of the merges that it had survived itself and that could still be undone.
    """

    gallery_id: int
    name: str | None
    metadata: dict[str, object]
    created_at: datetime
    walks: tuple[str, ...]
    merges: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The value of the column `merges.absorbed`."""
        return asdict(self) | {"created_at": self.created_at.isoformat()}

    @classmethod
    def read(cls, json: Mapping[str, Any]) -> Absorbed:
        """The value that `to_json` made."""
        return cls(
            gallery_id=json["gallery_id"],
            name=json["name"],
            metadata=json["metadata"],
            created_at=datetime.fromisoformat(json["created_at"]),
            walks=tuple(json["walks"]),
            merges=tuple(json["merges"]),
        )


def forget_walks(connection: Connection, walk_ids: Collection[str], subject_id: int) -> None:
    """Takes the ids of erased walks out of the merges of their subject.

    Args:
        connection: of the transaction that erases them.
        walk_ids: of the walks.
        subject_id: number of the subject's row.
    """
    rows = connection.execute(
        select(merges.c.id, merges.c.absorbed).where(merges.c.subject_id == subject_id)
    ).all()
    for row in rows:
        absorbed = Absorbed.read(row.absorbed)
        left = tuple(walk for walk in absorbed.walks if walk not in walk_ids)
        if left != absorbed.walks:
            connection.execute(
                update(merges)
                .where(merges.c.id == row.id)
                .values(absorbed=replace(absorbed, walks=left).to_json())
            )

"""The shapes of what is said about subjects, and of what can be asked to be done with them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app import registry
from app.http.examples import ABSORBED_WALK_IDS, MERGE_ID


class SubjectRow(BaseModel):
    """A person known to a gallery."""

    subject: Annotated[str, Field(description="Your id for the person.")]
    gallery: str
    name: str | None
    metadata: dict[str, Any]
    walks: Annotated[int, Field(description="Stored walks.")]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, subject: registry.Subject) -> SubjectRow:
        return cls.model_validate(subject, from_attributes=True)


class SubjectRows(BaseModel):
    subjects: list[SubjectRow]
    next: Annotated[str | None, Field(description="Send it as `cursor` for the next page.")]


class SubjectChanges(BaseModel):
    """What is left out stays; `name: null` clears; `metadata` replaces the old object."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    metadata: dict[str, Any] | None = None


class MoveTo(BaseModel):
    """Where a subject goes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"gallery": "clinic"}})

    gallery: Annotated[str, Field(description="Name of a gallery that exists.")]


class MergeInto(BaseModel):
    """Who the subject of the path turned out to be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"into": "ada"}})

    into: Annotated[str, Field(description="Your id for the subject that stays.")]
    gallery: Annotated[
        str | None, Field(description="Of the subject that stays, where it is another one.")
    ] = None


class MergeRow(BaseModel):
    """A merge that can still be undone, with what the absorbed subject was."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": MERGE_ID,
                "subject": "ada",
                "gallery": "office",
                "absorbed": "visitor-17",
                "absorbed_name": "A. L.",
                "absorbed_metadata": {"badge": 17},
                "walks": list(ABSORBED_WALK_IDS),
                "created_at": "2026-11-25T09:30:00Z",
                "undo_until": "2026-12-02T09:30:00Z",
            }
        }
    )

    id: str
    subject: Annotated[str, Field(description="The one that stays.")]
    gallery: str
    absorbed: Annotated[str, Field(description="The id that is no more.")]
    absorbed_name: str | None
    absorbed_metadata: dict[str, Any]
    walks: Annotated[list[str], Field(description="Those that came along and still exist.")]
    created_at: datetime
    undo_until: Annotated[datetime, Field(description="Until then: POST /merges/{id}/undo.")]

    @classmethod
    def of(cls, merge: registry.Merge) -> MergeRow:
        return cls(
            id=merge.id,
            subject=merge.subject,
            gallery=merge.gallery,
            absorbed=merge.absorbed_subject,
            absorbed_name=merge.absorbed.name,
            absorbed_metadata=merge.absorbed.metadata,
            walks=list(merge.absorbed.walks),
            created_at=merge.created_at,
            undo_until=merge.undo_until,
        )


class MergeRows(BaseModel):
    merges: list[MergeRow]

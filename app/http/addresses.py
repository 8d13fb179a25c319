"""Subject ids in paths: any character the caller chose, percent-encoded."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Path

from app.registry.fields import clean_subject


def subject_location(subject: str, gallery: str) -> str:
    """Where a subject is found."""
    return f"/subjects/{quote(subject, safe='')}?gallery={quote(gallery, safe='')}"


def _subject_id(
    subject: Annotated[str, Path(description="Your id for the person, percent-encoded.")],
) -> str:
    # The envelope keeps path segments in their canonical encoding (see keep_slashes_in_ids).
    return clean_subject(unquote(subject))


SubjectId = Annotated[str, Depends(_subject_id)]

"""Who is meant: subject ids in paths (any character the caller chose), and their gallery."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Path, Query

from app.registry.fields import clean_gallery, clean_subject


def subject_location(subject: str, gallery: str) -> str:
    """Where a subject is found."""
    return f"/subjects/{quote(subject, safe='')}?gallery={quote(gallery, safe='')}"


def _subject_id(
    subject: Annotated[str, Path(description="Your id for the person, percent-encoded.")],
) -> str:
    # The envelope keeps path segments in their canonical encoding (see keep_slashes_in_ids).
    return clean_subject(unquote(subject))


SubjectId = Annotated[str, Depends(_subject_id)]

GalleryQuery = Annotated[
    str | None, Query(description="May be left out where the subject's id is in one gallery only.")
]


def clean_query(gallery: str | None) -> str | None:
    """The gallery of a `GalleryQuery`, as it is stored; None where it was left out."""
    return None if gallery is None else clean_gallery(gallery)

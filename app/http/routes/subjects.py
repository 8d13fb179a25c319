"""`/subjects`: who is known, and their walks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.http.addresses import SubjectId
from app.http.schemas import (
    Erased,
    SubjectChanges,
    SubjectRow,
    SubjectRows,
    WalkRow,
    WalkRows,
    problems,
)
from app.http.services import Parts
from app.registry import UNSET
from app.registry.fields import clean_gallery, clean_metadata, clean_name

router = APIRouter(tags=["subjects"])

GalleryQuery = Annotated[
    str | None, Query(description="May be left out where the subject's id is in one gallery only.")
]


@router.get("/subjects", responses=problems(404, 422))
def list_subjects(
    services: Parts,
    gallery: Annotated[str | None, Query(description="Of this gallery only.")] = None,
    search: Annotated[
        str | None, Query(max_length=128, description="Part of an id or a name.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=1024, description="`next` of the page before.")
    ] = None,
) -> SubjectRows:
    """Lists subjects by id, page by page."""
    page = services.registry.subjects.list(
        gallery=_clean(gallery), limit=limit, cursor=cursor, search=search or None
    )
    rows = [SubjectRow.of(subject) for subject in page.subjects]
    return SubjectRows(subjects=rows, next=page.next_cursor)


@router.get("/subjects/{subject}", responses=problems(404, 409, 422))
def get_subject(services: Parts, subject: SubjectId, gallery: GalleryQuery = None) -> SubjectRow:
    """One subject."""
    return SubjectRow.of(services.registry.subjects.get(subject, gallery=_clean(gallery)))


@router.patch("/subjects/{subject}", responses=problems(400, 404, 409, 422))
def patch_subject(
    services: Parts, subject: SubjectId, changes: SubjectChanges, gallery: GalleryQuery = None
) -> SubjectRow:
    """Changes the name or the metadata."""
    sent = changes.model_fields_set
    changed = services.registry.subjects.patch(
        subject,
        gallery=_clean(gallery),
        name=clean_name(changes.name or "") if "name" in sent else UNSET,
        metadata=clean_metadata(changes.metadata or {}) if "metadata" in sent else UNSET,
    )
    return SubjectRow.of(changed)


@router.delete("/subjects/{subject}", responses=problems(404, 409, 422))
async def delete_subject(
    services: Parts, subject: SubjectId, gallery: GalleryQuery = None
) -> Erased:
    """Erases a subject with all walks, images, templates, and the jobs that name them."""
    return Erased.of(await services.desk.erase_subject(subject, gallery=_clean(gallery)))


@router.get("/subjects/{subject}/walks", responses=problems(404, 409, 422))
def list_walks(services: Parts, subject: SubjectId, gallery: GalleryQuery = None) -> WalkRows:
    """The stored walks of a subject, oldest first."""
    walks = services.registry.walks.list(subject, gallery=_clean(gallery))
    return WalkRows(walks=[WalkRow.of(walk) for walk in walks])


def _clean(gallery: str | None) -> str | None:
    return None if gallery is None else clean_gallery(gallery)

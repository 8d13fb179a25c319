"""`/subjects`: who is known, and their walks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.http.addresses import GalleryQuery, SubjectId, clean_query
from app.http.examples import KEYED_CALL
from app.http.forms import idempotency_of, note_replay
from app.http.schemas import Erased, WalkRow, WalkRows, problems
from app.http.services import Parts
from app.http.subject_schemas import MoveTo, SubjectChanges, SubjectRow, SubjectRows
from app.registry import UNSET
from app.registry.fields import clean_gallery, clean_metadata, clean_name

router = APIRouter(tags=["subjects"])


@router.get("/subjects", responses=problems(404, 422))
def list_subjects(
    services: Parts,
    gallery: Annotated[str | None, Query(description="Of this gallery only.")] = None,
    search: Annotated[
        str | None, Query(max_length=128, description="Part of an id, a name, or metadata.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=1024, description="`next` of the page before.")
    ] = None,
) -> SubjectRows:
    """Lists subjects in the order in which they were first enrolled, page by page."""
    page = services.registry.subjects.list(
        gallery=clean_query(gallery), limit=limit, cursor=cursor, search=search or None
    )
    rows = [SubjectRow.of(subject) for subject in page.subjects]
    return SubjectRows(subjects=rows, next=page.next_cursor)


@router.get("/subjects/{subject}", responses=problems(404, 409, 422))
def get_subject(services: Parts, subject: SubjectId, gallery: GalleryQuery = None) -> SubjectRow:
    """One subject."""
    return SubjectRow.of(services.registry.subjects.get(subject, gallery=clean_query(gallery)))


@router.patch("/subjects/{subject}", responses=problems(400, 404, 409, 422))
def patch_subject(
    services: Parts, subject: SubjectId, changes: SubjectChanges, gallery: GalleryQuery = None
) -> SubjectRow:
    """Changes the name or the metadata."""
    sent = changes.model_fields_set
    changed = services.registry.subjects.patch(
        subject,
        gallery=clean_query(gallery),
        name=clean_name(changes.name or "") if "name" in sent else UNSET,
        metadata=clean_metadata(changes.metadata or {}) if "metadata" in sent else UNSET,
    )
    return SubjectRow.of(changed)


@router.delete("/subjects/{subject}", responses=problems(404, 409, 422))
async def delete_subject(
    services: Parts, subject: SubjectId, gallery: GalleryQuery = None
) -> Erased:
    """Erases a subject with all walks, images, templates, and the jobs that name them."""
    return Erased.of(await services.desk.erase_subject(subject, gallery=clean_query(gallery)))


@router.get("/subjects/{subject}/walks", responses=problems(404, 409, 422))
def list_walks(services: Parts, subject: SubjectId, gallery: GalleryQuery = None) -> WalkRows:
    """The stored walks of a subject, oldest first."""
    walks = services.registry.walks.list(subject, gallery=clean_query(gallery))
    return WalkRows(walks=[WalkRow.of(walk) for walk in walks])


@router.post(
    "/subjects/{subject}/move",
    responses=problems(400, 404, 409, 422),
    openapi_extra=KEYED_CALL,
)
def move_subject(
    services: Parts,
    subject: SubjectId,
    body: MoveTo,
    request: Request,
    response: Response,
    gallery: GalleryQuery = None,
) -> SubjectRow:
    """Moves a subject, with all walks, to another gallery; searches find it there from now on."""
    to_gallery, from_gallery = clean_gallery(body.gallery), clean_query(gallery)
    moved, replayed = services.registry.transfers.move(
        subject,
        to_gallery,
        gallery=from_gallery,
        idempotency=idempotency_of(request, [to_gallery, from_gallery or ""]),
    )
    note_replay(response, replayed)
    return SubjectRow.of(moved)

"""`/subjects`: who is known, and their walks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.http.access import GuardedRoute, Recognised, needs
from app.http.addresses import clean_query
from app.http.boundaries import OwnSubject, own_gallery
from app.http.examples import KEYED_CALL
from app.http.forms import idempotency_of, note_replay
from app.http.schemas import Erased, WalkRow, WalkRows, problems
from app.http.services import Parts
from app.http.subject_schemas import MoveTo, SubjectChanges, SubjectRow, SubjectRows
from app.registry import UNSET
from app.registry.fields import clean_gallery, clean_metadata, clean_name

router = APIRouter(tags=["subjects"], route_class=GuardedRoute)


@router.get("/subjects", responses=problems(404, 422))
@needs("subjects:read")
def list_subjects(
    services: Parts,
    caller: Recognised,
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
    named = clean_query(gallery)
    page = services.registry.subjects.list(
        gallery=None if named is None else own_gallery(caller, named),
        within=caller.galleries,
        limit=limit,
        cursor=cursor,
        search=search or None,
    )
    rows = [SubjectRow.of(subject) for subject in page.subjects]
    return SubjectRows(subjects=rows, next=page.next_cursor)


@router.get("/subjects/{subject}", responses=problems(404, 409, 422))
@needs("subjects:read")
def get_subject(services: Parts, who: OwnSubject) -> SubjectRow:
    """One subject."""
    return SubjectRow.of(services.registry.subjects.get(who.subject, gallery=who.gallery))


@router.patch("/subjects/{subject}", responses=problems(400, 404, 409, 422))
@needs("subjects:write")
def patch_subject(services: Parts, who: OwnSubject, changes: SubjectChanges) -> SubjectRow:
    """Changes the name or the metadata."""
    sent = changes.model_fields_set
    changed = services.registry.subjects.patch(
        who.subject,
        gallery=who.gallery,
        name=clean_name(changes.name or "") if "name" in sent else UNSET,
        metadata=clean_metadata(changes.metadata or {}) if "metadata" in sent else UNSET,
    )
    return SubjectRow.of(changed)


@router.delete("/subjects/{subject}", responses=problems(404, 409, 422))
@needs("subjects:write")
async def delete_subject(services: Parts, who: OwnSubject) -> Erased:
    """Erases a subject with all walks, images, templates, and the jobs that name them.

    The answer has a signed receipt. What was asked for is done, even through a crash.
    """
    erasure = await services.desk.erase_subject(who.subject, gallery=who.gallery)
    return Erased.of(erasure, services.receipts)


@router.get("/subjects/{subject}/walks", responses=problems(404, 409, 422))
@needs("subjects:read")
def list_walks(services: Parts, who: OwnSubject) -> WalkRows:
    """The stored walks of a subject, oldest first."""
    walks = services.registry.walks.list(who.subject, gallery=who.gallery)
    return WalkRows(walks=[WalkRow.of(walk) for walk in walks])


@router.post(
    "/subjects/{subject}/move",
    responses=problems(400, 404, 409, 422),
    openapi_extra=KEYED_CALL,
)
@needs("subjects:write")
def move_subject(
    services: Parts,
    caller: Recognised,
    who: OwnSubject,
    body: MoveTo,
    request: Request,
    response: Response,
) -> SubjectRow:
    """Moves a subject, with all walks, to another gallery; searches find it there from now on."""
    to_gallery = own_gallery(caller, clean_gallery(body.gallery))
    moved, replayed = services.registry.transfers.move(
        who.subject,
        to_gallery,
        gallery=who.gallery,
        idempotency=idempotency_of(request, [to_gallery, who.gallery or ""]),
    )
    note_replay(response, replayed)
    return SubjectRow.of(moved)

"""`/subjects/{subject}/merge` and `/merges`: two ids that turned out to be one person."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.http.access import GuardedRoute, Recognised, needs
from app.http.addresses import clean_query
from app.http.boundaries import OwnMerge, OwnSubject, own_gallery
from app.http.examples import KEYED_CALL
from app.http.forms import idempotency_of, note_replay
from app.http.schemas import problems
from app.http.services import Parts
from app.http.subject_schemas import MergeInto, MergeRow, MergeRows, SubjectRow
from app.registry.fields import clean_subject

router = APIRouter(tags=["subjects"], route_class=GuardedRoute)


@router.post(
    "/subjects/{subject}/merge",
    status_code=201,
    responses=problems(400, 404, 409, 422),
    openapi_extra=KEYED_CALL,
)
@needs("subjects:write")
def merge_subject(
    services: Parts,
    caller: Recognised,
    who: OwnSubject,
    body: MergeInto,
    request: Request,
    response: Response,
) -> MergeRow:
    """Gives all walks of this subject to another one; this subject's id is no more.

    The other one keeps its own name and metadata. Can be undone for some days.
    """
    into = clean_subject(body.into, field="into")
    into_gallery = clean_query(body.gallery)
    if into_gallery is not None:
        own_gallery(caller, into_gallery)
    merge, replayed = services.registry.merges.merge(
        who.subject,
        into,
        undo_within=timedelta(days=services.settings.undo_merges_days),
        gallery=who.gallery,
        into_gallery=into_gallery,
        idempotency=idempotency_of(request, [into, who.gallery or "", into_gallery or ""]),
    )
    response.headers["Location"] = f"/merges/{merge.id}"
    note_replay(response, replayed)
    return MergeRow.of(merge)


@router.get("/subjects/{subject}/merges", responses=problems(404, 409, 422))
@needs("subjects:read")
def list_merges(services: Parts, caller: Recognised, who: OwnSubject) -> MergeRows:
    """The merges into this subject that can still be undone, oldest first."""
    registered = services.registry.merges
    merges = registered.list(who.subject, gallery=who.gallery)
    if caller.galleries is not None:  # who came from elsewhere is not theirs to know
        merges = tuple(each for each in merges if caller.sees(registered.home_of(each)))
    return MergeRows(merges=[MergeRow.of(merge) for merge in merges])


@router.get("/merges/{merge}", responses=problems(404))
@needs("subjects:read")
def get_merge(services: Parts, merge: OwnMerge) -> MergeRow:
    """One merge that can still be undone."""
    return MergeRow.of(services.registry.merges.get(merge))


@router.post("/merges/{merge}/undo", responses=problems(404, 409, 422), openapi_extra=KEYED_CALL)
@needs("subjects:write")
def undo_merge(
    services: Parts, merge: OwnMerge, request: Request, response: Response
) -> SubjectRow:
    """Brings the absorbed subject back, as it was, with those of its walks that still exist."""
    restored, replayed = services.registry.merges.undo(
        merge, idempotency=idempotency_of(request, [])
    )
    note_replay(response, replayed)
    return SubjectRow.of(restored)

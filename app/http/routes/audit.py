"""`/audit`: who did what."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.http.access import GuardedRoute, needs, signed_in
from app.http.audit_schemas import AuditPage
from app.http.schemas import problems
from app.http.services import Parts
from app.registry.audit import Action
from app.registry.audit.log import MAX_PAGE, Wanted
from app.registry.fields import clean_gallery, clean_subject

router = APIRouter(tags=["audit"], route_class=GuardedRoute)


class PemResponse(Response):
    """A public key; described as such in /openapi.json."""

    media_type = "application/x-pem-file"


@router.get("/audit", responses=problems(404, 409, 422))
@needs("admin", everywhere=True)
def read_audit(
    services: Parts,
    order: Annotated[
        Literal["newest", "oldest"], Query(description="What comes first.")
    ] = "newest",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    after: Annotated[
        int | None, Query(ge=1, lt=2**63, description="`next_after` of the page before.")
    ] = None,
    action: Annotated[Action | None, Query(description="Only this was done.")] = None,
    actor: Annotated[str | None, Query(max_length=128, description="Only they did it.")] = None,
    subject: Annotated[
        str | None, Query(description="Only to this subject, who must be enrolled now.")
    ] = None,
    gallery: Annotated[str | None, Query(description="Only in this gallery, as it is now.")] = None,
) -> AuditPage:
    """The audit log, page by page."""
    numbers = services.registry.audit.numbers_of(
        None if subject is None else clean_subject(subject),
        None if gallery is None else clean_gallery(gallery),
    )
    page = services.registry.audit.page(
        newest_first=order == "newest",
        limit=limit,
        after=after,
        wanted=Wanted(action, actor, *numbers),
    )
    return AuditPage.of(page)


@router.get("/audit/key", response_class=PemResponse)
@signed_in
def get_audit_key(services: Parts) -> PemResponse:
    """The public key that checks the end of the log and the receipts of erasures (Ed25519, PEM)."""
    return PemResponse(services.signer.public.pem)

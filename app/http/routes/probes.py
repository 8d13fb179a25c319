"""`/livez`, `/readyz`, `/metrics`: for those who watch over the service."""

from __future__ import annotations

import structlog
from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from app.errors import NotReady
from app.http.access import GuardedRoute, public, signed_in
from app.http.schemas import problems
from app.http.services import Parts
from app.outages import outage_of
from app.telemetry import METRICS_CONTENT_TYPE

router = APIRouter(tags=["probes"], route_class=GuardedRoute)

_log = structlog.get_logger(__name__)


@router.get("/livez")
@public
async def livez() -> dict[str, str]:
    """The process runs and answers."""
    return {"status": "alive"}


@router.get("/readyz", responses=problems(503))
@public
def readyz(services: Parts) -> dict[str, str]:
    """The encoder has made a real forward pass and the database answers."""
    checkpoint = services.checkpoint()
    if checkpoint is None:
        raise NotReady("The encoder is being loaded.")
    try:
        services.registry.ping()
    except Exception as error:
        outage = outage_of(error)
        reason = outage.detail if outage is not None else type(error).__name__
        _log.warning("the database does not answer", reason=reason)
        raise NotReady("The database does not answer.") from None
    access = "open" if services.access.is_open else "keys"
    return {"status": "ready", "checkpoint": checkpoint, "access": access}


@router.get("/metrics", response_class=PlainTextResponse)
@signed_in
async def metrics(services: Parts) -> Response:
    """Figures of this process in Prometheus's text format."""
    return Response(services.metrics.exposition(), media_type=METRICS_CONTENT_TYPE)

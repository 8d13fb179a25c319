"""`/walks`: stored walks and their gait energy images."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from app.http.access import GuardedRoute, needs
from app.http.boundaries import OwnWalk
from app.http.schemas import Erased, WalkRow, problems
from app.http.services import Parts

router = APIRouter(tags=["walks"], route_class=GuardedRoute)


class PngResponse(Response):
    """A picture; described as such in /openapi.json."""

    media_type = "image/png"


# Bytes rather than text, for clients that are generated.
PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/walks/{walk}", responses=problems(404))
@needs("subjects:read")
def get_walk(services: Parts, walk: OwnWalk) -> WalkRow:
    """One stored walk."""
    return WalkRow.of(services.registry.walks.get(walk))


@router.get("/walks/{walk}/gei.png", response_class=PngResponse, responses=PNG | problems(404))
@needs("subjects:read")
def get_walk_gei(services: Parts, walk: OwnWalk) -> PngResponse:
    """The walk's gait energy image."""
    return PngResponse(services.registry.walks.gei_png(walk))


@router.delete("/walks/{walk}", responses=problems(404))
@needs("subjects:write")
async def delete_walk(services: Parts, walk: OwnWalk) -> Erased:
    """Erases one walk with its image and templates; the subject stays."""
    return Erased.of(await services.desk.erase_walk(walk), services.receipts)

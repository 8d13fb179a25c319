"""`/galleries`: named sets of subjects that are searched together."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.http.access import GuardedRoute, Recognised, needs
from app.http.boundaries import OwnGallery, own_gallery
from app.http.forms import idempotency_of, note_replay
from app.http.gallery_schemas import GalleryChanges, GalleryName, GalleryRow, GalleryRows
from app.http.schemas import Erased, problems
from app.http.services import Parts
from app.http.threshold_schemas import GalleryWithThresholds
from app.registry.fields import clean_gallery

router = APIRouter(tags=["galleries"], route_class=GuardedRoute)


@router.get("/galleries")
@needs("subjects:read")
def list_galleries(services: Parts, caller: Recognised) -> GalleryRows:
    """All galleries, by name."""
    return GalleryRows(
        galleries=[
            GalleryRow.of(gallery)
            for gallery in services.registry.galleries.list()
            if caller.sees(gallery.name)
        ]
    )


@router.post("/galleries", status_code=201, responses=problems(400, 409, 422))
@needs("admin")
def create_gallery(
    services: Parts, caller: Recognised, body: GalleryName, request: Request, response: Response
) -> GalleryRow:
    """Creates an empty gallery. (`POST /enroll` creates its gallery by itself.)"""
    name = own_gallery(caller, clean_gallery(body.name))
    key = idempotency_of(request, [name])
    gallery, created = services.registry.galleries.create_once(name, key)
    response.headers["Location"] = f"/galleries/{gallery.name}"
    note_replay(response, not created)
    return GalleryRow.of(gallery)


@router.get("/galleries/{gallery}", responses=problems(404, 422))
@needs("subjects:read")
def get_gallery(services: Parts, gallery: OwnGallery) -> GalleryWithThresholds:
    """One gallery, with the thresholds that were measured on it."""
    return GalleryWithThresholds.with_thresholds(
        services.registry.galleries.get(gallery), services.registry.thresholds.list(gallery)
    )


@router.patch("/galleries/{gallery}", responses=problems(400, 404, 409, 422))
@needs("admin")
def change_gallery(
    services: Parts, caller: Recognised, gallery: OwnGallery, changes: GalleryChanges
) -> GalleryRow:
    """Renames a gallery, or changes what it keeps and for how long."""
    renames = "name" in changes.model_fields_set
    changed = services.registry.galleries.change(
        gallery,
        new_name=own_gallery(caller, clean_gallery(changes.name)) if renames else None,
        rules=changes.rules(),
    )
    return GalleryRow.of(changed)


@router.delete("/galleries/{gallery}", responses=problems(404, 409, 422))
@needs("admin")
async def delete_gallery(
    services: Parts,
    gallery: OwnGallery,
    force: Annotated[bool, Query(description="Also with subjects in it, who are erased.")] = False,
) -> Erased:
    """Removes a gallery."""
    erasure = await services.desk.erase_gallery(gallery, force=force)
    return Erased.of(erasure, services.receipts)

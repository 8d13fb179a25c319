"""`/galleries/{gallery}/export` and `/import`: galleries as files."""

from __future__ import annotations

from contextlib import ExitStack, aclosing
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app.http.access import GuardedRoute, needs
from app.http.boundaries import OwnGallery
from app.http.gallery_stream import MEDIA_TYPE, GalleryFile, pulled, receive_gallery_file
from app.http.schemas import problems
from app.http.services import Parts
from app.registry.exchange import ImportReport

router = APIRouter(tags=["galleries"], route_class=GuardedRoute)

_FILE: dict[str, Any] = {
    MEDIA_TYPE: {
        "schema": {
            "type": "string",
            "description": "JSON Lines, as docs/registry-exchange.md tells field by field.",
        }
    }
}
_FILE_SENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The gallery as a file.", "content": _FILE}
}


class ImportedGallery(BaseModel):
    """What an import did."""

    gallery: str
    created: Annotated[bool, Field(description="Whether the import made the gallery.")]
    checkpoint: Annotated[str | None, Field(description="The one that serves.")]
    subjects_added: int
    subjects_known: Annotated[
        int, Field(description="Were here before, and keep their names and metadata.")
    ]
    walks_added: int
    walks_known: Annotated[int, Field(description="Were here before, and were skipped.")]
    templates_added: int
    templates_left_out: Annotated[
        int, Field(description="By checkpoints that are not installed here.")
    ]
    walks_without_template: Annotated[
        int,
        Field(
            description=(
                "New walks that are not found yet: none of their templates is by the checkpoint"
                " that serves. `POST /checkpoints/{id}/activate` has it embed them."
            )
        ),
    ]
    walks_of_other_size: Annotated[
        int, Field(description="New walks whose image that checkpoint cannot embed.")
    ]

    @classmethod
    def of(cls, report: ImportReport) -> ImportedGallery:
        return cls.model_validate(report, from_attributes=True)


@router.get(
    "/galleries/{gallery}/export",
    status_code=200,  # FastAPI looks for it in the class otherwise, and does not find it
    response_class=GalleryFile,
    responses=_FILE_SENT | problems(404, 422, 503),
)
@needs("admin")
async def export_gallery(services: Parts, gallery: OwnGallery) -> GalleryFile:
    """Everything that is known in a gallery, as it is at one instant.

    The last line holds a checksum; a file without it is not whole.
    """
    with ExitStack() as held:
        held.enter_context(services.exchanges.turn())
        return await GalleryFile.begin(services.registry.exchange.export(gallery), gallery, held)


@router.post(
    "/galleries/{gallery}/import",
    responses=problems(400, 408, 409, 413, 415, 422, 503),
    openapi_extra={"requestBody": {"required": True, "content": _FILE}},
)
@needs("admin")
async def import_gallery(request: Request, services: Parts, gallery: OwnGallery) -> ImportedGallery:
    """Adds the subjects and walks of a gallery file; makes the gallery when there is none.

    Walks that are here already are skipped, so that the same file can be sent again after a
    broken connection or a line that was refused. Needs no Idempotency-Key for that.
    """
    limit_bytes = services.settings.max_import_bytes
    with services.exchanges.turn():
        async with aclosing(receive_gallery_file(request, limit_bytes)) as blocks:
            report = await run_in_threadpool(
                services.registry.exchange.import_file, gallery, pulled(blocks)
            )
    return ImportedGallery.of(report)

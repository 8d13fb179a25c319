"""`/checkpoints`: which weights are installed, which serve, and the way from one to another."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.errors import InvalidField
from app.http.access import GuardedRoute, needs
from app.http.checkpoint_schemas import (
    CheckpointRow,
    CheckpointRows,
    CheckpointState,
    ReembeddingRow,
    RefusedWalk,
    RefusedWalks,
    RemovedCheckpoint,
    SwitchRow,
)
from app.http.forms import content_of, idempotency_of
from app.http.multipart import FormLimits, receive_form
from app.http.schemas import problems
from app.http.services import Parts
from app.registry import Switch

router = APIRouter(tags=["checkpoints"], route_class=GuardedRoute)

_FILE_FIELD = "checkpoint"
_FORM: dict[str, Any] = {
    "type": "object",
    "required": [_FILE_FIELD],
    "properties": {
        _FILE_FIELD: {
            "type": "string",
            "format": "binary",
            "description": "The .safetensors file that `walkprint train` or `finetune` wrote.",
        }
    },
}
_FORM_EXAMPLE = {_FILE_FIELD: "office.safetensors"}
_INSTALLED_BEFORE: dict[int | str, dict[str, Any]] = {
    200: {"model": CheckpointRow, "description": "It was installed before."}
}
_EMBEDDED_FIRST: dict[int | str, dict[str, Any]] = {
    202: {"model": SwitchRow, "description": "Stored walks are embedded by it first."}
}

AcceptLoss = Annotated[
    bool, Query(description="Also where some stored walks can never be embedded by it.")
]


@router.get("/checkpoints")
@needs("subjects:read")
def list_checkpoints(services: Parts) -> CheckpointRows:
    """All installed checkpoints, in the order of their installation."""
    return CheckpointRows(
        checkpoints=[
            CheckpointRow.of(each, here=services.checkpoints.is_here(each))
            for each in services.registry.checkpoints.list()
        ]
    )


@router.post(
    "/checkpoints",
    status_code=201,
    responses=_INSTALLED_BEFORE | problems(400, 408, 413, 415, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": _FORM, "example": _FORM_EXAMPLE}},
        }
    },
)
@needs("admin", everywhere=True)
async def install_checkpoint(
    request: Request, services: Parts, response: Response
) -> CheckpointRow:
    """Installs a checkpoint file. It serves only after `activate`."""
    form = await receive_form(
        request,
        known_fields=frozenset(),
        begin=services.desk.begin_upload,
        limits=FormLimits(body_bytes=services.settings.max_checkpoint_bytes),
        media_field=_FILE_FIELD,
    )
    try:
        if len(form.media) != 1:
            raise InvalidField(_FILE_FIELD, "Send exactly one file in this field.")
        (part,) = form.media
        key = idempotency_of(request, content_of(form))
        install = partial(
            services.checkpoints.install, part.upload.name, part.filename or "The file", key
        )
        installed, created = await asyncio.to_thread(install)
    finally:
        form.discard()
    response.status_code = 201 if created else 200
    response.headers["Location"] = f"/checkpoints/{installed.id}"
    return CheckpointRow.of(installed, here=services.checkpoints.is_here(installed))


@router.post(
    "/checkpoints/rollback",
    responses=_EMBEDDED_FIRST | problems(409, 422, 503),
)
@needs("admin", everywhere=True)
def roll_back(
    services: Parts, request: Request, response: Response, accept_loss: AcceptLoss = False
) -> SwitchRow:
    """Goes back to the checkpoint that served before the present one."""
    key = idempotency_of(request, [str(accept_loss)])
    return _switched(services.checkpoints.roll_back(accept_loss=accept_loss, key=key), response)


@router.get("/checkpoints/{checkpoint}", responses=problems(404))
@needs("subjects:read")
def get_checkpoint(services: Parts, checkpoint: str) -> CheckpointState:
    """One checkpoint, and how many stored walks it can never embed, by the reason."""
    found = services.registry.checkpoints.get(checkpoint)
    row = CheckpointRow.of(found, here=services.checkpoints.is_here(found))
    refusals = services.registry.checkpoints.refusals_by_reason(checkpoint)
    return CheckpointState(**row.model_dump(), refusals=refusals)


@router.delete("/checkpoints/{checkpoint}", responses=problems(404, 409))
@needs("admin", everywhere=True)
def remove_checkpoint(services: Parts, checkpoint: str) -> RemovedCheckpoint:
    """Removes a checkpoint that does not serve, with its templates."""
    removed = services.registry.checkpoints.remove(checkpoint)
    return RemovedCheckpoint(checkpoint=checkpoint, templates=removed)


@router.post(
    "/checkpoints/{checkpoint}/activate",
    responses=_EMBEDDED_FIRST | problems(404, 409, 422, 503),
)
@needs("admin", everywhere=True)
def activate_checkpoint(
    services: Parts,
    checkpoint: str,
    request: Request,
    response: Response,
    accept_loss: AcceptLoss = False,
) -> SwitchRow:
    """Has a checkpoint serve: at once, or when all stored walks have been embedded by it."""
    key = idempotency_of(request, [str(accept_loss)])
    switch = services.checkpoints.activate(checkpoint, accept_loss=accept_loss, key=key)
    return _switched(switch, response)


@router.get("/checkpoints/{checkpoint}/refusals", responses=problems(404, 422))
@needs("admin", everywhere=True)
def list_refused_walks(
    services: Parts,
    checkpoint: str,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str, Query(max_length=64, description="`next` of the page before.")] = "",
) -> RefusedWalks:
    """The stored walks that a checkpoint can never embed, by id, each with the reason."""
    found = services.registry.checkpoints.refused_walks(checkpoint, after=cursor, limit=limit)
    return RefusedWalks(
        walks=[RefusedWalk(walk=walk_id, reason=reason) for walk_id, reason in found],
        next=found[-1][0] if len(found) == limit else None,
    )


@router.get("/checkpoints/{checkpoint}/reembedding", responses=problems(404))
@needs("subjects:read")
def get_reembedding(services: Parts, checkpoint: str) -> ReembeddingRow:
    """How far the stored walks have been embedded by a checkpoint, the last time it was asked."""
    return ReembeddingRow.of(services.registry.reembeddings.get(checkpoint))


@router.post("/checkpoints/{checkpoint}/reembedding/pause", responses=problems(404, 422))
@needs("admin", everywhere=True)
def pause_reembedding(services: Parts, checkpoint: str, request: Request) -> ReembeddingRow:
    """Stops for a while, restarts included. New walks are still embedded by both checkpoints."""
    return _change(services, checkpoint, "paused", request)


@router.post("/checkpoints/{checkpoint}/reembedding/resume", responses=problems(404, 422))
@needs("admin", everywhere=True)
def resume_reembedding(services: Parts, checkpoint: str, request: Request) -> ReembeddingRow:
    """Goes on."""
    return _change(services, checkpoint, "running", request)


@router.post("/checkpoints/{checkpoint}/reembedding/cancel", responses=problems(404, 422))
@needs("admin", everywhere=True)
def cancel_reembedding(services: Parts, checkpoint: str, request: Request) -> ReembeddingRow:
    """Ends it without a switch. Templates that were made stay until the checkpoint is removed."""
    return _change(services, checkpoint, "cancelled", request)


def _change(
    services: Parts,
    checkpoint: str,
    state: Literal["running", "paused", "cancelled"],
    request: Request,
) -> ReembeddingRow:
    key = idempotency_of(request, [])
    return ReembeddingRow.of(services.registry.reembeddings.change(checkpoint, state, key))


def _switched(switch: Switch, response: Response) -> SwitchRow:
    if switch.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    if switch.done:
        return SwitchRow(checkpoint=switch.checkpoint_id, state="active")
    response.status_code = 202
    response.headers["Location"] = f"/checkpoints/{switch.checkpoint_id}/reembedding"
    return SwitchRow(checkpoint=switch.checkpoint_id, state="embedding")

"""`POST /enroll`, `/identify`, `/verify`: one walk in, an answer out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.http.access import GuardedRoute, Recognised, needs
from app.http.addresses import subject_location
from app.http.boundaries import own_gallery
from app.http.caller import Caller
from app.http.examples import (
    ENROLL_FORM,
    ENROLLED_EXAMPLE,
    IDENTIFIED_EXAMPLES,
    IDENTIFY_FORM,
    VERIFIED_EXAMPLE,
    VERIFY_FORM,
    answer,
    answers,
    form_body,
)
from app.http.forms import (
    KNOWN_FIELDS,
    content_of,
    enroll_job,
    idempotency_of,
    identify_job,
    longest_wait,
    verify_job,
)
from app.http.multipart import FormLimits, ReceivedForm, receive_form
from app.http.problems import count_refusal, document_response
from app.http.recognition_schemas import (
    Enrolled,
    EnrollmentCheck,
    Identified,
    IdentifiedEverybody,
    Verified,
)
from app.http.schemas import ACCEPTED, problems
from app.http.services import Parts, Services
from app.registry import NewJob
from app.settings import Settings
from app.telemetry import Metrics
from app.tracing import span, traceparent
from app.worker.desk import Accepted

router = APIRouter(tags=["recognition"], route_class=GuardedRoute)

_log = structlog.get_logger(__name__)

_ALSO = ACCEPTED | problems(400, 404, 408, 413, 415, 422, 503)

_CHECKED: dict[int | str, dict[str, Any]] = {
    200: {"model": EnrollmentCheck, "description": "With `check=true`: nobody was enrolled."}
}

_JobOf = Callable[[ReceivedForm, Settings], NewJob]


@router.post(
    "/enroll",
    status_code=201,
    response_model=Enrolled,
    responses=answer(201, ENROLLED_EXAMPLE) | _CHECKED | _ALSO,
    openapi_extra=form_body(ENROLL_FORM),
)
@needs("enroll")
async def enroll(request: Request, services: Parts, caller: Recognised) -> Response:
    """Enrols one or more walks of a person; creates the subject and the gallery if they are new.

    With `check=true` nothing is stored of them: the answer, 200, says how good each walk is and
    whether an enrolment would take it.

    Possible duplicates are named to callers who hold the scope `identify`, for they say whom
    somebody walks like.
    """
    job_of = partial(enroll_job, names_duplicates=caller.may("identify"))
    return await _take_in(request, services, caller, job_of, status=201)


@router.post(
    "/identify",
    response_model=Identified | IdentifiedEverybody,
    responses=answers(200, IDENTIFIED_EXAMPLES) | _ALSO,
    openapi_extra=form_body(IDENTIFY_FORM),
)
@needs("identify")
async def identify(request: Request, services: Parts, caller: Recognised) -> Response:
    """Says who of the gallery is walking, or that nobody in it is.

    With `walker=all` the answer holds one entry per walker, under `walkers`.
    """
    return await _take_in(request, services, caller, identify_job, status=200)


@router.post(
    "/verify",
    response_model=Verified,
    responses=answer(200, VERIFIED_EXAMPLE) | _ALSO,
    openapi_extra=form_body(VERIFY_FORM),
)
@needs("identify")
async def verify(request: Request, services: Parts, caller: Recognised) -> Response:
    """Says whether the walk is the claimed subject's."""
    return await _take_in(request, services, caller, verify_job, status=200)


async def _take_in(
    request: Request, services: Services, caller: Caller, job_of: _JobOf, *, status: int
) -> Response:
    """Receives the upload, has it accepted, and waits for the outcome."""
    settings, desk = services.settings, services.desk
    services.checkpoint()  # raises where recognition could not be loaded
    wait_seconds = longest_wait(request, settings.wait_seconds)
    with desk.place(), span("receive"):
        form = await receive_form(
            request,
            known_fields=KNOWN_FIELDS,
            begin=desk.begin_upload,
            limits=FormLimits(body_bytes=settings.max_upload_bytes),
        )
        try:
            new_job = replace(job_of(form, settings), trace=traceparent())
            if wait_seconds == 0:  # nobody waits: whoever does comes first
                new_job = replace(new_job, priority="bulk")
            own_gallery(caller, new_job.gallery)
            idempotency = idempotency_of(request, content_of(form))
        except BaseException:
            form.discard()
            raise
        services.metrics.upload_bytes.inc(sum(part.upload.size for part in form.media))
    structlog.contextvars.bind_contextvars(job=new_job.id)
    accepted = await desk.accept(new_job, idempotency=idempotency, wait_seconds=wait_seconds)
    # Under an Idempotency-Key it may be that of an earlier call.
    structlog.contextvars.bind_contextvars(job=accepted.job_id)
    _log.debug("job accepted", replayed=accepted.replayed)
    # Nobody was made whom the answer could point to.
    status = 200 if new_job.request.get("check") is True else status
    return _answer(accepted, new_job.kind, status, services.metrics)


def _answer(accepted: Accepted, kind: str, status: int, metrics: Metrics) -> Response:
    headers = {"Idempotency-Replayed": "true"} if accepted.replayed else {}
    outcome = accepted.outcome
    if outcome is None:
        headers["Location"] = f"/jobs/{accepted.job_id}"
        body = {"id": accepted.job_id, "kind": kind, "state": "queued"}
        return JSONResponse(body, status_code=202, headers=headers)
    if outcome.problem is not None:
        count_refusal(outcome.problem, metrics)
        return document_response(outcome.problem, headers)
    result = outcome.result or {}
    if status == 201:
        headers["Location"] = subject_location(str(result["subject"]), str(result["gallery"]))
    return JSONResponse(result, status_code=status, headers=headers)

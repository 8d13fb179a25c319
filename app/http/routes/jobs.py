"""`/jobs`: accepted work, whether it waits, runs or has ended."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app import registry
from app.http.access import GuardedRoute, Recognised, signed_in
from app.http.boundaries import OwnJob, kinds_for
from app.http.event_stream import EventStream, leaving
from app.http.explanation_schemas import Explanation
from app.http.job_events import job_events
from app.http.routes.walks import PNG, PngResponse
from app.http.schemas import JobRow, JobRows, JobState, problems
from app.http.services import Parts

router = APIRouter(tags=["jobs"], route_class=GuardedRoute)

_Walker = Annotated[
    int | None,
    Query(ge=1, lt=2**31, description="Number in the answer; the first one if left out."),
]
# Of one event, as OpenAPI has it before its version 3.2.
_EVENTS: dict[str, Any] = {
    "text/event-stream": {
        "schema": {
            "type": "object",
            "properties": {
                "event": {"type": "string", "description": "The state."},
                "data": {"type": "string", "description": "A JobState in JSON."},
            },
        },
        "example": (
            'event: running\ndata: {"id": "7d1d0f6e-13c5-4a6f-a8a3-5cf6d1f1f6c9", "kind":'
            ' "identify", "state": "running", "stage": "capture", "attempt": 1}\n\n'
        ),
    }
}
_EVENTS_SENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events until the job has ended: `event` is the state, `data`"
        " a JobState in JSON.",
        "content": _EVENTS,
    }
}


@router.get("/jobs", response_model_exclude_unset=True, responses=problems(422))
@signed_in
def list_jobs(
    services: Parts,
    caller: Recognised,
    limit: Annotated[
        int | None,
        Query(ge=1, le=500, description="Most jobs in a page; without it they are only counted."),
    ] = None,
    state: Annotated[
        registry.JobState | None,
        Query(description="Only jobs in this state."),
    ] = None,
    cursor: Annotated[
        str | None, Query(max_length=1024, description="`next` of the page before.")
    ] = None,
) -> JobRows:
    """How many accepted jobs wait and run, and a page of all that are known, newest first."""
    counts = services.registry.jobs.counts()
    if limit is None:
        return JobRows.model_validate(counts)
    page = services.registry.job_list.page(
        kinds_for(caller), within=caller.galleries, state=state, limit=limit, cursor=cursor
    )
    rows = [JobRow.of(job) for job in page.jobs]
    return JobRows(**counts, jobs=rows, next=page.next_cursor)


@router.get("/jobs/{job}", responses=problems(404))
@signed_in
def get_job(job: OwnJob) -> JobState:
    """One job, with its result or problem once it has ended. Ended jobs are kept for a day."""
    return JobState.of(job)


@router.delete("/jobs/{job}", responses=problems(404, 409, 503))
@signed_in
async def cancel_job(services: Parts, job: OwnJob) -> JobState:
    """Takes a job back that has not ended: it fails as `job-cancelled`, and its recordings go.

    Work that is under way is dropped when it ends: nobody is enrolled by it, nothing is answered.
    """
    await services.desk.cancel(job.id)
    return JobState.of(await run_in_threadpool(services.registry.jobs.get, job.id))


@router.get(
    "/jobs/{job}/events",
    status_code=200,  # FastAPI looks for it in the class otherwise, and does not find it
    response_class=EventStream,
    responses=_EVENTS_SENT | problems(404, 429, 503),
)
@signed_in
async def get_job_events(
    request: Request, services: Parts, caller: Recognised, job: OwnJob
) -> EventStream:
    """The job's states as they come, as server-sent events; the last one has the answer.

    Each event is named after the state and holds what `GET /jobs/{job}` answers; a running job that
    takes a while is told of again at each `stage`. A stream that ends without an answer has lasted
    a minute, or the service stops: ask again.
    """
    with ExitStack() as held:
        held.enter_context(services.streams.place(caller.name))
        read = partial(services.registry.jobs.get, job.id)
        return EventStream(job_events(job, read, services.lookout, leaving(request)), held)


@router.get("/jobs/{job}/gei.png", response_class=PngResponse, responses=PNG | problems(404))
@signed_in
def get_probe_gei(
    services: Parts,
    job: OwnJob,
    walker: _Walker = None,
) -> PngResponse:
    """The gait energy image of an identified or verified walker, as long as the job is kept."""
    return PngResponse(services.registry.job_pictures.gei_png(job.id, walker))


@router.get("/jobs/{job}/explanation", response_model=Explanation, responses=problems(404))
@signed_in
def get_explanation(services: Parts, job: OwnJob, walker: _Walker = None) -> Response:
    """What the decision about a walker rests on, where `explain=true` asked for it; as long as the
    job is kept."""
    document = services.registry.job_pictures.explanation(job.id, walker)
    return Response(document, media_type="application/json")

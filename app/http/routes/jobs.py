"""`/jobs`: accepted work, whether it waits, runs or has ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.http.access import GuardedRoute, signed_in
from app.http.boundaries import OwnJob
from app.http.routes.walks import PngResponse
from app.http.schemas import JobState, UnfinishedJobs, problems
from app.http.services import Parts

router = APIRouter(tags=["jobs"], route_class=GuardedRoute)


@router.get("/jobs")
@signed_in
def count_jobs(services: Parts) -> UnfinishedJobs:
    """How many accepted jobs wait and run, in all processes of this service."""
    return UnfinishedJobs.model_validate(services.registry.jobs.counts())


@router.get("/jobs/{job}", responses=problems(404))
@signed_in
def get_job(job: OwnJob) -> JobState:
    """One job, with its result or problem once it has ended. Ended jobs are kept for a day."""
    return JobState.of(job)


@router.get("/jobs/{job}/gei.png", response_class=PngResponse, responses=problems(404))
@signed_in
def get_probe_gei(
    services: Parts,
    job: OwnJob,
    walker: Annotated[
        int | None,
        Query(ge=1, lt=2**31, description="Number in the answer; the first one if left out."),
    ] = None,
) -> PngResponse:
    """The gait energy image of an identified or verified walker, as long as the job is kept."""
    return PngResponse(services.registry.jobs.gei_png(job.id, walker))

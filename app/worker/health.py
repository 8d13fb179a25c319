"""A worker's probes and metrics, for those who watch over it; nothing else is to be had there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.errors import NotReady, Problem
from app.telemetry import METRICS_CONTENT_TYPE, Metrics

_PROBLEM_JSON = "application/problem+json"

# Says what serves; raises a problem where the worker cannot work.
Readiness = Callable[[], dict[str, str]]


def health_application(
    metrics: Metrics,
    readiness: Readiness,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
) -> Starlette:
    """`/livez`, `/readyz` and `/metrics`.

    Args:
        metrics: of this process.
        readiness: what `/readyz` answers.
        lifespan: starts and stops the worker.
    """

    def livez(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    def readyz(_request: Request) -> Response:
        try:
            return JSONResponse(readiness())
        except Problem as problem:
            document = NotReady(problem.detail).to_json()
            return JSONResponse(document, NotReady.status, media_type=_PROBLEM_JSON)

    def exposition(_request: Request) -> Response:
        return Response(metrics.exposition(), media_type=METRICS_CONTENT_TYPE)

    routes = [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", exposition)]
    return Starlette(routes=routes, lifespan=lifespan)

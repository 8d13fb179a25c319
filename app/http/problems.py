"""Errors of the HTTP layer itself, and the one place that renders every error (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.errors import (
    InternalError,
    InvalidField,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    Problem,
    UnsupportedMediaType,
    problem_of,
)
from app.telemetry import Metrics
from model.refusals import WalkRefused

PROBLEM_JSON = "application/problem+json"

_log = structlog.get_logger(__name__)


class UploadStalled(Problem):
    """The upload stopped in the middle. Nothing of it was kept."""

    status = 408
    slug = "upload-stalled"
    title = "The upload stopped"
    advice = "Send the call again over a steadier connection."


class TooManyParts(Problem):
    """The form has more parts than one call may carry."""

    status = 413
    slug = "too-many-parts"
    title = "The form has too many parts"
    advice = "Pack the frames into one .zip per walk, or send fewer walks in one call."

    def __init__(self, limit_parts: int) -> None:
        super().__init__(f"A form may have at most {limit_parts} parts.", limit_parts=limit_parts)


class UnknownHost(Problem):
    """The Host header names something other than this machine (as in DNS rebinding)."""

    status = 421
    slug = "unknown-host"
    title = "This service does not answer under that name"
    advice = (
        "Call it as http://127.0.0.1, http://localhost or http://[::1], or have its operator set"
        " WALKPRINT_ALLOWED_HOSTS."
    )


class CrossOrigin(Problem):
    """A page of another site tried to change something here."""

    status = 403
    slug = "cross-origin"
    title = "Other sites may not call this service from a browser"
    advice = "Use the console at `/`, or call from a program instead of a web page."


def problem_response(
    problem: Problem, metrics: Metrics, headers: Mapping[str, str] | None = None
) -> Response:
    """Renders a problem; what was wrong and what to do, never a traceback."""
    document = problem.to_json()
    count_refusal(document, metrics)
    return document_response(document, {**problem.headers, **(headers or {})})


def count_refusal(document: Mapping[str, object], metrics: Metrics) -> None:
    """Counts a problem that is answered, by its type."""
    metrics.refusals.labels(str(document["type"]).rpartition("/")[2]).inc()


def document_response(
    document: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Response:
    """Renders a problem document as it is stored in a failed job."""
    status = document.get("status")
    return Response(
        json.dumps(document, ensure_ascii=False),
        status_code=status if isinstance(status, int) else 500,
        headers=dict(headers or {}),
        media_type=PROBLEM_JSON,
    )


def internal_error(error: BaseException, request_id: str) -> InternalError:
    """Logs an error nobody expected and returns what the caller may know of it."""
    problem = InternalError()
    _log.error(
        "unexpected error", support_id=problem.support_id, request=request_id, exc_info=error
    )
    return problem


def install_problem_handlers(app: FastAPI, metrics: Metrics) -> None:
    """Makes every error of the application, and of the framework, a problem document."""

    async def on_problem(_request: Request, error: Exception) -> Response:
        return problem_response(problem_of(error), metrics)

    async def on_invalid(_request: Request, error: RequestValidationError) -> Response:
        return problem_response(_first_mistake(error), metrics)

    async def on_http_error(request: Request, error: HTTPException) -> Response:
        problem = _of_framework(request, error)
        return problem_response(problem, metrics, _headers_of_framework(request, error))

    app.exception_handler(Problem)(on_problem)
    app.exception_handler(WalkRefused)(on_problem)
    app.exception_handler(RequestValidationError)(on_invalid)
    app.exception_handler(HTTPException)(on_http_error)


def _of_framework(request: Request, error: HTTPException) -> Problem:
    """The problem behind an error that routing or FastAPI's reading of a body raised."""
    if isinstance(error.__cause__, Problem):
        return error.__cause__
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound()
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed(f"{request.method} is not answered at this address.")
    if error.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return UnsupportedMediaType()
    if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return MalformedRequest("The request cannot be understood.")
    return internal_error(error, request.scope.get("walkprint.request_id", ""))


def _headers_of_framework(request: Request, error: HTTPException) -> Mapping[str, str] | None:
    """The error's own headers, but for Allow: routing names the methods of one route only, where
    several share an address."""
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return error.headers
    path = getattr(request.scope.get("route"), "path", "")
    described = request.app.openapi()["paths"].get(path)
    if described is None:
        return error.headers
    return {"Allow": ", ".join(sorted(method.upper() for method in described))}


def _first_mistake(error: RequestValidationError) -> Problem:
    """The first mistake pydantic found, without repeating the value that was sent."""
    mistake = error.errors()[0]
    place = [str(step) for step in mistake["loc"]]
    message = str(mistake["msg"])
    if mistake["type"] == "json_invalid":
        return MalformedRequest("The body is not valid JSON.")
    if place == ["body"] and mistake["type"] in ("missing", "model_attributes_type", "dict_type"):
        return MalformedRequest("The body must be a JSON object, sent as application/json.")
    return InvalidField(".".join(place[1:]) or "body", f"{message}.")

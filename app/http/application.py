"""The FastAPI application, put together by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig

from app.http.access import SESSION_COOKIE, GuardedRoute
from app.http.envelope import Envelope
from app.http.pace import SlowestBody
from app.http.problems import install_problem_handlers
from app.http.routes import (
    audit,
    checkpoints,
    exchange,
    galleries,
    gallery_map,
    jobs,
    keys,
    merges,
    pages,
    probes,
    protection,
    recognition,
    service,
    subjects,
    thresholds,
    walks,
)
from app.http.schemas import ProblemDocument, problems
from app.telemetry import Metrics

# What a service on loopback is called. Another name that a browser was made to resolve to it (DNS
# rebinding) is refused: there it may be open to everybody.
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

_SECURITY_SCHEMES = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of this service, or a token of the issuer it trusts.",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
}

ROUTE_MODULES = (
    recognition,
    subjects,
    merges,
    walks,
    galleries,
    gallery_map,
    exchange,
    protection,
    thresholds,
    checkpoints,
    jobs,
    audit,
    keys,
    probes,
    service,
    pages,
)
"""In the order in which /openapi.json lists them."""

_DESCRIPTION = """
Who is walking? Enrols people by their gait and says whose a walk is, or that it is nobody known.

Every error is `application/problem+json`: `type` is stable, `detail` says what was wrong with this
call, `advice` what to do about it.
"""


# The environment can have FastAPI export requests by itself, and it tells whole addresses and what
# exceptions say: both name people. What is told of a call, `app.tracing` tells.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}

# Too long an address, too large headers, an outage of the disk or the database.
_WHATEVER_THE_CALL = problems(414, 431, 503)


def build_application(
    metrics: Metrics,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    *,
    hosts: frozenset[str] | None,
    slowest_body: SlowestBody = SlowestBody(),  # noqa: B008 - frozen
) -> FastAPI:
    """Builds the application; the lifespan sets `app.state.services` before the first request.

    Args:
        metrics: of this process.
        lifespan: starts and stops everything behind the routes.
        hosts: names that the service answers under; None for any.
        slowest_body: that is read to its end.
    """
    app = FastAPI(
        title="Walkprint",
        version=version("walkprint"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
        telemetry=_NO_TELEMETRY,
    )
    for module in ROUTE_MODULES:
        _require_rules(module.router)
        app.include_router(module.router)
    install_problem_handlers(app, metrics)
    _describe_problems(app)
    app.add_middleware(Envelope, metrics=metrics, hosts=hosts, slowest_body=slowest_body)
    return app


def _operation_id(route: APIRoute) -> str:
    """What /openapi.json calls a route: generated clients name their functions by it."""
    return route.name


def _require_rules(router: APIRouter) -> None:
    """Refuses to build a service with a door that nobody guards."""
    for route in router.routes:
        if not isinstance(route, GuardedRoute):
            raise TypeError(f"{route}: its router needs route_class=GuardedRoute")


def _describe_problems(app: FastAPI) -> None:
    """Replaces FastAPI's own validation error in /openapi.json, which is never answered."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            components = schema["components"]["schemas"]
            schema["components"]["securitySchemes"] = _SECURITY_SCHEMES
            components["ProblemDocument"] = ProblemDocument.model_json_schema()
            for name in ("HTTPValidationError", "ValidationError"):
                components.pop(name, None)
            for path in schema["paths"].values():
                for operation in path.values():
                    _drop_validation_error(operation["responses"])
                    for status, problem in _WHATEVER_THE_CALL.items():
                        operation["responses"].setdefault(str(status), problem)
        return generate()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _drop_validation_error(responses: dict[str, Any]) -> None:
    reference = "#/components/schemas/HTTPValidationError"
    content = responses.get("422", {}).get("content", {}).get("application/json", {})
    if content.get("schema", {}).get("$ref") == reference:
        responses["422"] = {
            "description": "Unprocessable Content",
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/ProblemDocument"}
                }
            },
        }

"""The console at `/`, the API's own description at `/docs`: files, no CDN, no build step."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import NotFound
from app.http.access import GuardedRoute, public
from app.http.services import Parts, Services

router = APIRouter(include_in_schema=False, route_class=GuardedRoute)

_MEDIA_TYPES = {
    "index.html": "text/html; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "service.js": "text/javascript; charset=utf-8",
    "session.js": "text/javascript; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "docs.html": "text/html; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_HEADERS = {"Cache-Control": "no-cache"}


@router.get("/")
@public
def console(services: Parts) -> Response:
    return _page(services, "index.html")


@router.get("/docs")
@public
def docs(services: Parts) -> Response:
    return _page(services, "docs.html")


@router.get("/favicon.ico")
@public
def favicon(services: Parts) -> Response:
    return _page(services, "icon.svg")


@router.get("/console/{name}")
@public
def console_file(services: Parts, name: str) -> Response:
    if name not in _MEDIA_TYPES:
        raise NotFound
    return _page(services, name)


def _page(services: Services, name: str) -> Response:
    content = (services.pages / name).read_bytes()
    return Response(content, media_type=_MEDIA_TYPES[name], headers=_HEADERS)

"""The console at `/`, the API's own description at `/docs`: no CDN, no build step."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.http.access import GuardedRoute, public
from app.http.console import Content
from app.http.services import Parts

router = APIRouter(include_in_schema=False, route_class=GuardedRoute)


@router.get("/")
@public
def front_page(services: Parts, request: Request) -> Response:
    return _answer(services.console.page("identify"), request)


@router.get("/docs")
@public
def docs(services: Parts, request: Request) -> Response:
    return _answer(services.console.page("docs"), request)


@router.get("/favicon.ico")
@public
def favicon(services: Parts, request: Request) -> Response:
    return _answer(services.console.file("icon.svg"), request)


@router.get("/console/texts.json")
@public
def console_texts(services: Parts, request: Request) -> Response:
    return _answer(services.console.texts(), request)


@router.get("/console/static/{name}")
@public
def console_file(services: Parts, request: Request, name: str) -> Response:
    return _answer(services.console.file(name), request)


@router.get("/console/samples/{name}")
@public
def console_sample(services: Parts, request: Request, name: str) -> Response:
    return _answer(services.console.sample(name), request)


@router.get("/console/{page}")
@public
def console_page(services: Parts, request: Request, page: str) -> Response:
    return _answer(services.console.page(page), request)


def _answer(content: Content, request: Request) -> Response:
    etag = content.etag
    headers = {"Cache-Control": "no-cache", "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content.body, media_type=content.media_type, headers=headers)

"""`/keys`: who may call; `/session`: a browser that signs in."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.http.access import (
    SESSION_COOKIE,
    GuardedRoute,
    Recognised,
    address_of,
    needs,
    public,
    refuse_unless_same_origin,
    signed_in,
)
from app.http.examples import KEYED_CALL
from app.http.forms import idempotency_of, note_replay
from app.http.key_schemas import KeyRow, KeyRows, KeyWish, MadeKey, SignIn, Who
from app.http.schemas import problems
from app.http.services import Parts
from app.registry.acting import set_actor

router = APIRouter(tags=["keys"], route_class=GuardedRoute)


@router.get("/keys")
@needs("admin", everywhere=True)
def list_keys(services: Parts) -> KeyRows:
    """All keys, revoked ones too, without their secrets."""
    return KeyRows(keys=[KeyRow.of(key) for key in services.registry.keys.list()])


@router.post("/keys", status_code=201, responses=problems(400, 422), openapi_extra=KEYED_CALL)
@needs("admin", everywhere=True)
def create_key(services: Parts, body: KeyWish, request: Request, response: Response) -> MadeKey:
    """Makes a key. Its text is in this answer and nowhere else.

    From the first key on, nobody is let in without one.
    """
    wanted = body.to_new_key()
    made, text = services.registry.keys.create(
        wanted, idempotency=idempotency_of(request, [body.model_dump_json()])
    )
    note_replay(response, text is None)
    return MadeKey(**KeyRow.of(made).model_dump(), key=text)


@router.delete("/keys/{key}", responses=problems(404))
@needs("admin", everywhere=True)
def revoke_key(services: Parts, key: str) -> KeyRow:
    """Ends a key at once, with the sessions that began with it. It stays in the list."""
    return KeyRow.of(services.registry.keys.revoke(key))


@router.get("/session")
@signed_in
def who_am_i(services: Parts, caller: Recognised, request: Request) -> Who:
    """Who calls, and what they may do."""
    is_open = services.access.is_open
    by_cookie = SESSION_COOKIE in request.cookies and "authorization" not in request.headers
    return Who.of(caller, is_open=is_open, session=by_cookie and not is_open)


@router.post("/session", responses=problems(400, 401, 403, 422, 429))
@public
def sign_in(services: Parts, body: SignIn, request: Request, response: Response) -> Who:
    """Lets a browser call without the key for twelve hours: scripts cannot read its cookie."""
    refuse_unless_same_origin(request)
    key, caller = services.access.sign_in(body.key, address_of(request))
    set_actor(caller.name)
    token, ends = services.registry.sessions.begin(key)
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int((ends - datetime.now(UTC)).total_seconds()),
        path="/",
        httponly=True,
        secure=request.url.scheme == "https",
        samesite="strict",
    )
    return Who.of(caller, is_open=False, session=True)


@router.delete("/session", status_code=204, responses=problems(403))
@public
def sign_out(services: Parts, request: Request, response: Response) -> None:
    """Ends the session of this browser."""
    token = request.cookies.get(SESSION_COOKIE)
    if token is not None:
        refuse_unless_same_origin(request)
        services.registry.sessions.end(token)
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")

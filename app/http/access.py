"""Who calls, told before anything of a request's body is read, and what they may do.

Every route says with one decorator who may call it; one without does not let the application be
built. What a route takes as `Recognised` is whoever was told here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.errors import Problem
from app.http.caller import Caller
from app.http.oidc import TokenCheck, looks_like_token
from app.http.problems import CrossOrigin
from app.http.rate_limits import RateLimits
from app.http.schemas import problems
from app.registry import Registry
from app.registry.acting import set_actor
from app.registry.keys import Key
from app.registry.scopes import SCOPES, Scope

SESSION_COOKIE = "walkprint_session"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = Caller(name="open", scopes=frozenset(SCOPES))

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class NotSignedIn(Problem):
    """This service wants to know who calls, and did not find out from this call."""

    status = 401
    slug = "not-signed-in"
    title = "The caller is not known"
    advice = (
        "Send `Authorization: Bearer` and a key of this service; `walkprint keys create` makes one."
        " In a browser, sign in on the page at `/`."
    )

    @property
    def headers(self) -> dict[str, str]:
        """The challenge of RFC 6750, section 3."""
        return {"WWW-Authenticate": 'Bearer realm="walkprint"'}


class NotAllowed(Problem):
    """Your key is right, and does not allow this call."""

    status = 403
    slug = "not-allowed"
    title = "The key does not allow this"
    advice = "Use a key that has the scope, or ask an administrator for one."


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call a route.

    Attributes:
        scope: that they must hold; None for anybody who is known.
        everywhere: that they must not be limited to galleries.
        public: that nobody is asked who they are.
    """

    scope: Scope | None = None
    everywhere: bool = False
    public: bool = False


def needs(scope: Scope, *, everywhere: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Lets in callers who hold a scope.

    Args:
        scope: that they must hold.
        everywhere: the route concerns all galleries: who is limited to some may not call it.
    """
    return _ruled(Rule(scope, everywhere=everywhere))


def signed_in(endpoint: Endpoint) -> Endpoint:
    """Lets in everybody who is known, whatever they may do otherwise."""
    return _ruled(Rule())(endpoint)


def public(endpoint: Endpoint) -> Endpoint:
    """Lets in everybody, and asks nobody."""
    return _ruled(Rule(public=True))(endpoint)


def _ruled(rule: Rule) -> Callable[[Endpoint], Endpoint]:
    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.access_rule = rule  # type: ignore[attr-defined]
        return endpoint

    return mark


class Access:
    """Tells who calls. May be shared by threads.

    Args:
        registry: keeps keys and sessions.
        limits: counts calls and failures.
        tokens: checks the tokens of an issuer; None where none is trusted.
        on_loopback: nobody but programs of this machine can reach the service.
    """

    def __init__(
        self,
        registry: Registry,
        limits: RateLimits,
        tokens: TokenCheck | None,
        *,
        on_loopback: bool,
    ) -> None:
        self._keys = registry.keys
        self._sessions = registry.sessions
        self._limits = limits
        self._tokens = tokens
        self._may_be_open = on_loopback and tokens is None

    @property
    def is_open(self) -> bool:
        """Whether everybody may do everything: on loopback, until the first key is made."""
        return self._may_be_open and not self._keys.any_made()

    def recognise(self, authorization: str | None, session: str | None, address: str) -> Caller:
        """Who calls.

        Args:
            authorization: the header of that name, if there is one; goes before the session.
            session: the cookie of a browser that signed in, if there is one.
            address: the caller's, as the server saw it.

        Raises:
            NotSignedIn: they brought nothing that holds.
            InvalidToken, IssuerUnreachable: they brought a token; see `TokenCheck.caller_of`.
            TooManyRequests: they called, or failed, as often as they may.
        """
        if self.is_open:
            return _OPEN
        try:
            caller = self._caller(authorization, session)
        except Problem as refused:
            if refused.status == NotSignedIn.status:
                self._limits.count_failure(address)
            raise
        self._limits.admit(caller)
        return caller

    def sign_in(self, text: str, address: str) -> tuple[Key, Caller]:
        """The key that somebody signs in with, and who they are by it.

        Raises:
            NotSignedIn: it is none that holds.
            TooManyRequests: they failed as often as they may.
        """
        key = self._keys.authenticate(text)
        if key is None:
            self._limits.count_failure(address)
            raise NotSignedIn("This is not a key of this service, or it is revoked or over.")
        caller = _caller_with(key)
        self._limits.admit(caller)
        return key, caller

    def _caller(self, authorization: str | None, session: str | None) -> Caller:
        if authorization is not None:
            scheme, _, credential = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise NotSignedIn("The Authorization header does not begin with Bearer.")
            return self._bearer(credential.strip())
        if session is not None:
            key = self._sessions.key_of(session)
            if key is None:
                raise NotSignedIn("The session is over. Sign in again.")
            return _caller_with(key)
        raise NotSignedIn("The call brings no key.")

    def _bearer(self, credential: str) -> Caller:
        if self._tokens is not None and looks_like_token(credential):
            return self._tokens.caller_of(credential)
        key = self._keys.authenticate(credential)
        if key is None:
            raise NotSignedIn("This is not a key of this service, or it is revoked or over.")
        return _caller_with(key)


def _caller_with(key: Key) -> Caller:
    return Caller(
        name=key.name,
        scopes=frozenset(key.scopes),
        galleries=None if key.galleries is None else frozenset(key.galleries),
        requests_per_minute=key.requests_per_minute,
        label=key.label,
    )


class GuardedRoute(APIRoute):
    """A route that knows who calls before it reads a body, and says so in /openapi.json."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        rule = getattr(endpoint, "access_rule", None)
        if not isinstance(rule, Rule):
            raise TypeError(f"{path}: say who may call it (app/http/access.py)")
        self.rule = rule
        if not rule.public:
            options["responses"] = problems(401, 403, 429) | (options.get("responses") or {})
            scopes = [] if rule.scope is None else [rule.scope]
            options["openapi_extra"] = {
                "security": [{"key": scopes}, {"session": scopes}],
                **(options.get("openapi_extra") or {}),
            }
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """FastAPI's handler, behind the question who calls."""
        handle = super().get_route_handler()
        rule = self.rule
        if rule.public:
            return handle

        async def ask_first(request: Request) -> Response:
            request.state.caller = await _admitted(request, rule)
            return await handle(request)

        return ask_first


async def _admitted(request: Request, rule: Rule) -> Caller:
    access = cast(Access, request.app.state.services.access)
    authorization = request.headers.get("authorization")
    session = request.cookies.get(SESSION_COOKIE)
    if authorization is None and session is not None:
        refuse_unless_same_origin(request)
    caller = await run_in_threadpool(access.recognise, authorization, session, address_of(request))
    set_actor(caller.name)
    if rule.scope is not None and not caller.may(rule.scope):
        raise NotAllowed(f"The call needs the scope {rule.scope}.", scope=rule.scope)
    if rule.everywhere and caller.galleries is not None:
        raise NotAllowed("The call concerns all galleries; the key is limited to some.")
    return caller


def refuse_unless_same_origin(request: Request) -> None:
    """Refuses what a page of another site could have a browser send with its cookies.

    Raises:
        CrossOrigin: the call changes something, and does not say that it comes from our own page.
            (One that says another origin is refused for everybody: see the envelope.)
    """
    if request.method in _SAFE_METHODS:
        return
    if "origin" not in request.headers and "sec-fetch-site" not in request.headers:
        raise CrossOrigin("A call with a session must name the origin of its page.")


def address_of(request: Request) -> str:
    """The caller's address, as the server saw it."""
    return request.client.host if request.client is not None else ""


def _recognised(request: Request) -> Caller:
    return cast(Caller, request.state.caller)


Recognised = Annotated[Caller, Depends(_recognised)]

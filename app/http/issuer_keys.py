"""The public keys that an OpenID Connect issuer signs its tokens with, fetched and kept.

An issuer says where its keys are in a discovery document (OpenID Connect Discovery 1.0, section 4).
Strangers can make this service ask for keys, by sending tokens whose key nobody knows; so it asks
every few seconds at most, waits a few seconds at most, and never with more than a few threads.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx
import structlog
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from app.errors import Problem
from app.loopback import is_safe_address

_TIMEOUT_SECONDS = 4.0
_MOST_BYTES = 512 * 1024
# A key that the issuer has withdrawn is refused after the first time at the latest; one whose
# issuer cannot be asked any more, after the second.
_FRESH_SECONDS = 300.0
_USABLE_SECONDS = 3600.0
# Waiting for keys takes a thread, of which all requests together have forty.
_MOST_WAITING = 4
# Signatures that only the issuer can make. With `none` anybody can; with HS256 everybody who has
# the issuer's public key, where it is taken for a shared secret.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)

_log = structlog.get_logger(__name__)


class IssuerUnreachable(Problem):
    """Your token cannot be checked now: its issuer does not say with which keys it signs.

    Keys of this service go on working.
    """

    status = 503
    slug = "issuer-unreachable"
    title = "The issuer of tokens cannot be asked"
    advice = "Send the call again after the seconds in Retry-After, or with a key of this service."

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(
            "The keys of the issuer of your token cannot be fetched at the moment.",
            retry_after_seconds=retry_after_seconds,
        )
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, in seconds."""
        return {"Retry-After": str(self.retry_after_seconds)}


class IssuerKeys:
    """The keys of one issuer. May be shared by threads.

    Args:
        issuer: its URL, exactly as its tokens name it.
        pause_seconds: at least so long from one question to the issuer to the next.
    """

    def __init__(self, issuer: str, *, pause_seconds: float = 5.0) -> None:
        self._issuer = issuer
        self._pause_seconds = pause_seconds
        self._known: _Known | None = None
        self._asked_at = float("-inf")
        self._asking = threading.Lock()
        self._places_to_wait = threading.Semaphore(_MOST_WAITING)

    def find(self, key_id: str | None) -> PyJWK | None:
        """The key of that name; asks the issuer when it is new, or when it was long ago.

        Args:
            key_id: as a token's header names it; None finds the only key, where there is only one.

        Returns:
            None when the issuer has no such key.

        Raises:
            IssuerUnreachable: no key is known that could be relied on.
        """
        known = self._known
        if known is not None and known.age_seconds < _FRESH_SECONDS:
            found = known.find(key_id)
            if found is not None:
                return found
        known = self._asked_anew()
        return known.find(key_id)

    def _asked_anew(self) -> _Known:
        """What the issuer says now, or said last if it has just been asked or does not answer."""
        if not self._places_to_wait.acquire(blocking=False):
            return self._last_known()
        try:
            with self._asking:
                if time.monotonic() - self._asked_at >= self._pause_seconds:
                    self._ask()
                    self._asked_at = time.monotonic()
        finally:
            self._places_to_wait.release()
        return self._last_known()

    def _last_known(self) -> _Known:
        known = self._known
        if known is None or known.age_seconds > _USABLE_SECONDS:
            raise IssuerUnreachable(retry_after_seconds=max(1, round(self._pause_seconds)))
        return known

    def _ask(self) -> None:
        try:
            with httpx.Client(timeout=_TIMEOUT_SECONDS) as http:
                discovery = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
                described = _fetch_object(http, discovery)
                if described.get("issuer") != self._issuer:
                    raise _Unusable("its discovery document names another issuer")
                address = str(described.get("jwks_uri", ""))
                if not is_safe_address(address):
                    raise _Unusable("its keys are not behind https")
                keys = PyJWKSet.from_dict(_fetch_object(http, address)).keys
        except (httpx.HTTPError, httpx.InvalidURL, PyJWTError, _Unusable) as failure:
            _log.warning("the issuer's keys cannot be fetched", reason=str(failure))
            return
        public = tuple(key for key in keys if _signs_tokens(key))
        self._known = _Known(public, time.monotonic())


@dataclass(frozen=True, slots=True)
class _Known:
    """What the issuer said at a time of the monotonic clock."""

    keys: tuple[PyJWK, ...]
    fetched_at: float

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self.fetched_at

    def find(self, key_id: str | None) -> PyJWK | None:
        if key_id is None:
            return self.keys[0] if len(self.keys) == 1 else None
        return next((key for key in self.keys if key.key_id == key_id), None)


class _Unusable(Exception):
    """The issuer answered something that cannot be relied on."""


def _fetch_object(http: httpx.Client, url: str) -> dict[str, Any]:
    """A JSON object of bounded size; redirects are not followed."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    content = bytearray()
    with http.stream("GET", url, headers={"Accept": "application/json"}) as response:
        if response.status_code != httpx.codes.OK:
            raise _Unusable(f"{url} answers {response.status_code}")
        for part in response.iter_bytes():
            content += part
            if len(content) > _MOST_BYTES or time.monotonic() > deadline:
                raise _Unusable(f"{url} answers too much, or too slowly")
    try:
        described = json.loads(content)
    except (ValueError, RecursionError):  # nested without end
        described = None
    if not isinstance(described, dict):
        raise _Unusable(f"{url} answers no JSON object")
    return described


def _signs_tokens(key: PyJWK) -> bool:
    return key.public_key_use in ("sig", None) and key.algorithm_name in ALGORITHMS

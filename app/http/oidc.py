"""Callers who bring a token of an OpenID Connect issuer instead of a key of this service."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import jwt
from jwt.exceptions import (
    ExpiredSignatureError,
    InvalidAudienceError,
    InvalidIssuerError,
    MissingRequiredClaimError,
    PyJWTError,
)

from app.errors import Problem
from app.http.caller import Caller
from app.http.issuer_keys import ALGORITHMS, IssuerKeys
from app.registry.scopes import SCOPES, Scope

EVERY_GALLERY = "*"
"""What the claim of galleries holds for somebody who may see all of them."""

_SCOPE_PREFIX = "walkprint:"
# Clocks of two machines that are kept by NTP differ by less.
_LEEWAY_SECONDS = 10
_MOST_CHARACTERS = 16_384
# So that `oidc:` and the name fit where the audit log and jobs keep who acted (128 characters).
_LONGEST_NAME = 120


class InvalidToken(Problem):
    """Your bearer token is not one that this service accepts; the detail says what is wrong."""

    status = 401
    slug = "invalid-token"
    title = "The token is not accepted"
    advice = "Get a fresh token from your issuer, made out for this service as its audience."

    @property
    def headers(self) -> dict[str, str]:
        """The challenge of RFC 6750, section 3."""
        return {"WWW-Authenticate": 'Bearer realm="walkprint", error="invalid_token"'}


class TokenCheck:
    """Tells who brings a token. May be shared by threads.

    Args:
        keys: of the issuer.
        issuer: its URL; a token names it as `iss`.
        audience: what this service is called there; a token names it in `aud`.
        scope_claim: the claim with scopes: a list, or names with spaces between them.
        galleries_claim: the claim with galleries: a list, or names with spaces between them.
    """

    def __init__(
        self,
        keys: IssuerKeys,
        *,
        issuer: str,
        audience: str,
        scope_claim: str,
        galleries_claim: str,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._scope_claim = scope_claim
        self._galleries_claim = galleries_claim

    def caller_of(self, token: str) -> Caller:
        """Who brings this token, and what they may do by it.

        Whoever has no scope of this service may do nothing, and whoever has no gallery sees none:
        an issuer that was set up halfway gives away nothing.

        Args:
            token: a JSON Web Token, signed.

        Raises:
            InvalidToken: it is not the issuer's, not for this service, or not valid now.
            IssuerUnreachable: the issuer's keys cannot be fetched.
        """
        claims = self._claims(token)
        galleries = _names(claims.get(self._galleries_claim))
        return Caller(
            name=f"oidc:{_printable(str(claims['sub']))}",
            scopes=_scopes(_names(claims.get(self._scope_claim))),
            galleries=None if EVERY_GALLERY in galleries else galleries,
        )

    def _claims(self, token: str) -> Mapping[str, Any]:
        if len(token) > _MOST_CHARACTERS:
            raise InvalidToken(f"It is longer than {_MOST_CHARACTERS} characters.")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise InvalidToken("It is not signed in a way that only its issuer could.")
            key = self._keys.find(header.get("kid"))
            if key is None:
                raise InvalidToken("It is signed with a key that the issuer does not have.")
            return jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_SECONDS,
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "enforce_minimum_key_length": True,
                },
            )
        except (PyJWTError, RecursionError) as error:  # a header nested without end
            raise InvalidToken(_reason(error)) from None


def looks_like_token(credential: str) -> bool:
    """Whether a bearer credential is a signed JSON Web Token: three parts with dots between."""
    return credential.count(".") == 2


def _reason(error: Exception) -> str:
    """What is wrong, without repeating what was sent."""
    if isinstance(error, ExpiredSignatureError):
        return "It has expired."
    if isinstance(error, InvalidAudienceError):
        return "It was made out for another audience than this service."
    if isinstance(error, InvalidIssuerError):
        return "It comes from another issuer than the one this service trusts."
    if isinstance(error, MissingRequiredClaimError):
        return f"It lacks the claim '{error.claim}'."
    return "It is not a token that the issuer signed and that is valid now."


def _names(claim: object) -> frozenset[str]:
    """Names from a list of strings, or from one string with spaces between them."""
    if isinstance(claim, str):
        return frozenset(claim.split())
    if isinstance(claim, list):
        return frozenset(name for name in claim if isinstance(name, str))
    return frozenset()


def _scopes(names: frozenset[str]) -> frozenset[Scope]:
    """The scopes of this service among what an issuer grants for several."""
    return frozenset(
        scope for scope in SCOPES if scope in names or f"{_SCOPE_PREFIX}{scope}" in names
    )


def _printable(subject: str) -> str:
    """A subject as it stands in the audit log; what would not fit there is known by its SHA-256."""
    if 0 < len(subject) <= _LONGEST_NAME and subject.isprintable():
        return subject
    return sha256(subject.encode(errors="surrogatepass")).hexdigest()

"""A service with keys, two galleries, and a caller for every role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.registry import Registry
from app.registry.keys import NewKey
from app.registry.scopes import SCOPES, Scope
from app.settings import Settings
from tests.live_service import LiveService, live_service

OURS, THEIRS = "ours", "theirs"
"""Galleries: keys that are limited see the first."""


@dataclass(frozen=True)
class Roles:
    """A running service that knows its callers.

    Attributes:
        service: as it runs; its own client brings no key.
        keys: the text of a key by its role: each scope alone, `admin`, `admin of ours`, `none`.
    """

    service: LiveService
    keys: dict[str, str]

    def call(self, role: str | None, method: str, path: str, **options: object) -> httpx.Response:
        """One call by a role; None brings no key."""
        headers = {} if role is None else {"Authorization": f"Bearer {self.keys[role]}"}
        return self.service.http.request(method, path, headers=headers, **options)  # type: ignore[arg-type]


@contextmanager
def service_with_keys(data: Path, **settings: object) -> Iterator[Roles]:
    """Makes a key for every role, then starts the service."""
    wanted = Settings(data=data, device="cpu", **settings)  # type: ignore[arg-type]
    registry = Registry.open(wanted.resolved_database_url)
    registry.migrate()

    def made(*scopes: Scope, galleries: tuple[str, ...] | None = None) -> str:
        _, text = registry.keys.create(NewKey("a test's", scopes, galleries))
        assert text is not None
        return text

    keys: dict[str, str] = {scope: made(scope) for scope in SCOPES}
    keys["none"] = made()
    keys["admin of ours"] = made("admin", galleries=(OURS,))
    for scope in SCOPES:
        keys[f"{scope} of ours"] = made(scope, galleries=(OURS,))
    registry.close()
    with live_service(wanted) as service:
        yield Roles(service, keys)

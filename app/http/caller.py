"""Who calls, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from app.registry.scopes import Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever a request comes from, however they were recognised.

    Attributes:
        name: as the audit log names them: `key:` and the id of a key, `oidc:` and a token's
            subject, or `open` where no keys are needed.
        scopes: what they may do; `admin` includes all others.
        galleries: the only ones they may see or change; None for all.
        requests_per_minute: how many calls they have; None for as many as the service grants all.
        label: of their key, for people to read.
    """

    name: str
    scopes: frozenset[Scope]
    galleries: frozenset[str] | None = None
    requests_per_minute: int | None = None
    label: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether they hold a scope, or all of them."""
        return scope in self.scopes or "admin" in self.scopes

    def sees(self, gallery: str) -> bool:
        """Whether a gallery is theirs to see."""
        return self.galleries is None or gallery in self.galleries

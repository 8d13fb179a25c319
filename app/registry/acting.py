"""Who acts: said where a call comes in, read where something is written down about it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SYSTEM = "system"
"""The service itself: retention, re-embedding, start and stop."""

_actor: ContextVar[str] = ContextVar("actor", default=SYSTEM)


def actor() -> str:
    """Who acts in this thread or task, as the audit log names callers.

    Returns:
        `key:` and the id of a key, `oidc:` and a token's subject, `open` where no keys are
        needed, `cli:` and the name of the system's user, or `system`.
    """
    return _actor.get()


def command_line() -> str:
    """How the log names whoever runs a command on this machine: `cli:` and their user name."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # in a container the number may have no name
        return f"cli:{os.getuid()}"


def set_actor(name: str) -> None:
    """Says who acts from here on in this context: one request's task, and what it starts."""
    _actor.set(name)


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Says who acts for the length of a block."""
    token = _actor.set(name)
    try:
        yield
    finally:
        _actor.reset(token)

"""Steps, told from wherever they are taken; nothing happens where nothing is traced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.tracing.recorder import Recorder

_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)
_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
_NOTHING: AbstractContextManager[None] = nullcontext()


def span(name: str) -> AbstractContextManager[None]:
    """One step of what this thread or task does for a call.

    Args:
        name: of the step; a word of ours, never anything that a caller sent.

    Returns:
        A context to take the step in.
    """
    recorder = _recorder.get()
    return _NOTHING if recorder is None else recorder.step(name)


def note_failure(kind: str) -> None:
    """Says of the step under way that it failed.

    Args:
        kind: the slug of a problem, or the name of an exception's class.
    """
    recorder = _recorder.get()
    if recorder is not None:
        recorder.note_failure(kind)


def traceparent() -> str | None:
    """What names the call under way to whoever works on it: a W3C traceparent whose parent id is
    the id of the request; None outside of calls."""
    return _traceparent.get()


@contextmanager
def within(recorder: Recorder | None, parent: str | None) -> Iterator[None]:
    """Has the steps of a block recorded, and the call named that they belong to.

    Args:
        recorder: None records nothing.
        parent: what `traceparent` answers meanwhile.
    """
    recorders, parents = _recorder.set(recorder), _traceparent.set(parent)
    try:
        yield
    finally:
        _traceparent.reset(parents)
        _recorder.reset(recorders)

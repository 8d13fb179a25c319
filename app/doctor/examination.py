"""All examinations, in the order in which one thing rests on another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from app.doctor import machine, neighbours, state, weights
from app.doctor.finding import Finding, broken
from app.doctor.variables import read_settings, unknown_variables
from app.settings import Settings


def examine(url: str, *, is_named: bool) -> Iterator[Finding]:
    """Looks at everything; changes nothing, but for a probe that is written and removed at once.

    Args:
        url: of the service.
        is_named: whether somebody said that one runs there.
    """
    yield machine.interpreter()
    yield from _safely("packages", machine.packages)
    yield machine.clock()
    settings, wrong = read_settings()
    yield from wrong
    yield from unknown_variables(os.environ)
    if settings is None:
        advice = "Correct the settings above, then run this again."
        yield broken("everything else", "Not looked at: it depends on the settings.", advice)
        return
    yield machine.open_files(settings)
    examinations: tuple[tuple[str, Callable[[Settings], Finding | Iterable[Finding]]], ...] = (
        ("data folder", state.data_folder),
        ("database", state.database),
        ("storage", state.storage),
        ("checkpoint", weights.checkpoint),
        ("segmenter", weights.segmenter),
        ("sandbox", lambda _: machine.sandbox()),
        ("broker", neighbours.broker),
        ("milvus", neighbours.milvus),
        ("service", lambda known: neighbours.service(url, known, is_named=is_named)),
    )
    for part, look in examinations:
        yield from _safely(part, partial(look, settings))


def _safely(part: str, look: Callable[[], Finding | Iterable[Finding]]) -> Iterator[Finding]:
    """What an examination finds; one that breaks is a finding, and does not end the others."""
    try:
        found = look()
        yield from [found] if isinstance(found, Finding) else found
    except Exception as failed:
        says = f"Could not be looked at: {type(failed).__name__}: {failed}"
        yield broken(part, says, "This may be a fault of ours: please report it.")

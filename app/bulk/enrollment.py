"""Enrols the walks of a folder over HTTP, several at a time, and remembers each in the report.

One request per walk: a failure is known by walk, and what was done need not be sent again. A walk
is sent under a key made of its place and content, so a run that died between the service's answer
and the report's line does not enrol anything twice.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime

from app.bulk.inventory import WalkFile
from app.bulk.report import Line, Report
from app.client import Client, MediaNotFound, ServiceUnreachable, WalkprintError


@dataclass(frozen=True, slots=True)
class BulkResult:
    """How a run ended, in walks."""

    enrolled: int
    failed: int


def walks_due(walks: Sequence[WalkFile], report: Report, gallery: str) -> list[WalkFile]:
    """The walks that the report does not show as enrolled, changed files among them."""
    return [
        walk
        for walk in walks
        if not report.is_enrolled(gallery, walk.subject, walk.walk, walk.stamp())
    ]


def enroll_walks(
    client: Client,
    walks: Sequence[WalkFile],
    report: Report,
    *,
    gallery: str,
    requests_at_once: int,
    on_finished: Callable[[Line], None] = lambda _: None,
) -> BulkResult:
    """Enrols walks and writes a line about each.

    Args:
        client: where to; its own retries carry over a busy or restarting service.
        walks: from `walks_due`.
        report: open for appending.
        gallery: created by the service when unknown.
        requests_at_once: walks in flight together.
        on_finished: called after each walk, by this thread.

    Raises:
        ServiceUnreachable: the service is gone. What was in flight is left to the next run.
    """
    outcomes: list[str] = []
    in_flight: set[Future[Line]] = set()

    def finish_some() -> None:
        done, in_flight_still = wait(in_flight, return_when=FIRST_COMPLETED)
        in_flight.intersection_update(in_flight_still)
        for line in [future.result() for future in done]:
            outcomes.append(line.outcome)
            on_finished(line)

    with ThreadPoolExecutor(requests_at_once, thread_name_prefix="bulk") as threads:
        try:
            for walk in walks:
                in_flight.add(threads.submit(_enroll_one, client, walk, report, gallery))
                if len(in_flight) > requests_at_once:
                    finish_some()
            while in_flight:
                finish_some()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    enrolled = outcomes.count("enrolled")
    return BulkResult(enrolled, len(outcomes) - enrolled)


def _enroll_one(client: Client, walk: WalkFile, report: Report, gallery: str) -> Line:
    """Sends one walk and writes its line; a refusal of this walk is a line, not an exception."""
    started = time.perf_counter()
    stamp = walk.stamp()
    walk_id: str | None = None
    problem: dict[str, object] | None = None
    try:
        key = _key(walk, gallery, report.failures(gallery, walk.subject, walk.walk))
        answer = client.enroll(walk.subject, [walk.path], gallery=gallery, idempotency_key=key)
        # A gallery that keeps the best few walks of each subject may have had no room for it.
        walk_id = answer.walks[0].id if answer.walks else None
    except ServiceUnreachable:
        raise
    except WalkprintError as refused:
        problem = refused.problem
    except (MediaNotFound, OSError) as unreadable:
        problem = {
            "type": "/problems/file-not-readable",
            "title": "The file cannot be read",
            "detail": str(unreadable),
            "advice": "Check that the file is still there and that you may read it.",
        }
    line = Line(
        gallery=gallery,
        subject=walk.subject,
        walk=walk.walk,
        outcome="failed" if problem else "enrolled",
        stamp=stamp,
        finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        seconds=round(time.perf_counter() - started, 3),
        walk_id=walk_id,
        problem=problem,
    )
    report.append(line)
    return line


def _key(walk: WalkFile, gallery: str, failures: int) -> str:
    """The same for the same content at the same place, until the service has refused it.

    A key that has failed would be answered with that failure for ever; hence `failures`.
    """
    parts = (gallery, walk.subject, walk.walk, walk.digest(), str(failures))
    return "bulk-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()

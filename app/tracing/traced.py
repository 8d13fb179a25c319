"""What a trace says of calls and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Call:
    """One HTTP request under way.

    Attributes:
        request_id: 16 lower-case hexadecimal digits; the id of its span, where it has one.
        traceparent: names it to the job it leads to.
        trace_id: 32 such digits; None where nothing is recorded of it.
        name: method and route, once they are known.
        route: its template.
        status: of the answer; 0 while there is none.
    """

    request_id: str
    traceparent: str
    trace_id: str | None = None
    name: str = ""
    route: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class TracedJob:
    """What a trace says of a job.

    Attributes:
        id: of the job.
        kind: enroll, identify or verify.
        attempt: from 1.
        traceparent: of the call that asked for it; None of jobs that name none.
        waits_since: when it was accepted, or put into the queue again.
    """

    id: str
    kind: str
    attempt: int
    traceparent: str | None
    waits_since: datetime

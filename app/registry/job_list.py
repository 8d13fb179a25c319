"""Jobs as a list, newest first, page by page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select

from app.errors import InvalidField
from app.registry.database import Database
from app.registry.fields import decode_place, encode_place, foreign_cursor
from app.registry.job import JobKind, JobState, Priority
from app.registry.tables import jobs

MAX_PAGE = 500
"""Most jobs in one page."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ROWS: Final = select(
    jobs.c.id,
    jobs.c.kind,
    jobs.c.state,
    jobs.c.stage,
    jobs.c.gallery,
    jobs.c.subject,
    jobs.c.priority,
    jobs.c.attempt,
    jobs.c.problem,
    jobs.c.created_at,
    jobs.c.started_at,
    jobs.c.finished_at,
)


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job without what it was asked and what it answered; its attributes are those of `Job`."""

    id: str
    kind: JobKind
    state: JobState
    stage: str | None
    gallery: str
    subject: str | None
    priority: Priority
    attempt: int
    problem: dict[str, object] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, the newest first.

    Attributes:
        jobs: at most as many as were asked for.
        next_cursor: pass it to get the following page; None on the last one.
    """

    jobs: tuple[ListedJob, ...]
    next_cursor: str | None


class JobList:
    """What is known of all jobs; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        kinds: Collection[JobKind],
        *,
        within: Collection[str] | None = None,
        state: JobState | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> JobPage:
        """One page; pages stay right while jobs come and go.

        Args:
            kinds: other jobs are left out.
            within: names of galleries; jobs about others are left out. None for all.
            state: only these; None for all.
            limit: most jobs in the page, 1 to 500.
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidField: limit out of range, or not a cursor of this service.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidField("limit", f"The limit must be between 1 and {MAX_PAGE}.")
        wanted = _ROWS.where(jobs.c.kind.in_(sorted(kinds)))
        if within is not None:
            wanted = wanted.where(jobs.c.gallery.in_(sorted(within)))
        if state is not None:
            wanted = wanted.where(jobs.c.state == state)
        if cursor is not None:
            wanted = wanted.where(_before(*_place(cursor)))
        ordered = wanted.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit + 1)
        rows = self._database.ask(ordered)
        found = tuple(ListedJob(**row._mapping) for row in rows[:limit])
        more = len(rows) > limit
        return JobPage(found, _cursor(found[-1].created_at, found[-1].id) if more else None)


def _before(created_at: datetime, job_id: str) -> ColumnElement[bool]:
    same_instant = and_(jobs.c.created_at == created_at, jobs.c.id < job_id)
    return or_(jobs.c.created_at < created_at, same_instant)


def _cursor(created_at: datetime, job_id: str) -> str:
    """An opaque place in the list: after this job."""
    microseconds = (created_at - _EPOCH) // timedelta(microseconds=1)
    return encode_place(f"{microseconds}:{job_id}")


def _place(cursor: str) -> tuple[datetime, str]:
    """What `_cursor` was given.

    Raises:
        InvalidField: this service never made such a cursor.
    """
    number, _, job_id = (decode_place(cursor) or "").partition(":")
    try:
        created_at = _EPOCH + timedelta(microseconds=int(number))
    except (ValueError, OverflowError):
        raise foreign_cursor() from None
    # A number can be written in several ways, of which we write one.
    if _cursor(created_at, job_id) != cursor or "\0" in job_id:
        raise foreign_cursor()
    return created_at, job_id

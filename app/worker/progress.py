"""Tells the registry how far jobs are that take a while; short ones cost it nothing.

A video takes seconds, a bundle of silhouettes some hundredths of one. The threads only leave a word
in memory at each stage; one more thread writes what has been true for a moment, all jobs in one
transaction, whoever watches and in whichever process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import structlog

from app.outages import outage_of
from app.registry import Job, Registry
from app.registry.job_progress import Reached
from app.telemetry import telling_stages

_EVERY_SECONDS = 0.25
# Jobs that ended sooner are never written about.
_YOUNG_SECONDS = 0.25

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Course:
    """One attempt under way."""

    attempt: int
    since: float
    stage: str | None = None
    noted: str | None = None


class Progress:
    """What the job threads of one process do at the moment.

    Args:
        registry: told of it four times a second, where there is something to tell.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._courses: dict[str, _Course] = {}
        self._busy = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def start(self) -> None:
        """Begins to tell."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._closed.set()
        self._busy.set()
        if self._thread.is_alive():
            self._thread.join()

    @contextmanager
    def of(self, job: Job) -> Iterator[None]:
        """Follows the stages of a job through the block, in this thread."""
        course = _Course(job.attempt, monotonic())

        def reach(stage: str) -> None:
            course.stage = stage

        self._courses[job.id] = course
        self._busy.set()
        try:
            with telling_stages(reach):
                yield
        finally:
            self._courses.pop(job.id, None)

    def tell(self) -> None:
        """Writes the stages of jobs that are older than a moment and have gone on."""
        old = monotonic() - _YOUNG_SECONDS
        # A copy of the items is one step for the interpreter: the job threads come and go.
        due = {
            job_id: (course, stage)
            for job_id, course in list(self._courses.items())
            if course.since < old and (stage := course.stage) not in (None, course.noted)
        }
        if not due:
            return
        self._registry.job_progress.note(
            {job_id: Reached(course.attempt, stage) for job_id, (course, stage) in due.items()}
        )
        for course, stage in due.values():
            course.noted = stage

    def _run(self) -> None:
        while not self._closed.is_set():
            self._busy.wait()
            if self._closed.wait(_EVERY_SECONDS):
                return
            try:
                self.tell()
            except Exception as error:  # the jobs themselves say what is wrong with the database
                if outage_of(error) is None:
                    _log.exception("progress could not be told")
            self._busy.clear()
            if self._courses:
                self._busy.set()

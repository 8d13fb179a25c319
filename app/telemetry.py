"""What the service says about itself: structured logs and Prometheus metrics.

No log line and no metric label ever holds a name, a subject id or anything measured on a person:
requests and jobs are told apart by their random ids alone.
"""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from app.tracing import Traces, span

# Seconds. Half a millisecond (a search) to the minute a long video may take.
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
# Jobs wait for a thread a moment, or for workers that are started first.
_WAITS = (0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)
_SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)

METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


_tell_stage: ContextVar[Callable[[str], None] | None] = ContextVar("tell_stage", default=None)


@contextmanager
def telling_stages(tell: Callable[[str], None]) -> Iterator[None]:
    """Has a function told of every stage that this thread begins within the block."""
    token = _tell_stage.set(tell)
    try:
        yield
    finally:
        _tell_stage.reset(token)


@contextmanager
def speaking_of(job_id: str, request_id: str | None) -> Iterator[None]:
    """Names a job, and the call that asked for it, in every line that this thread logs meanwhile.

    Args:
        job_id: of the job.
        request_id: of the call; None where it is not known.
    """
    names = {"job": job_id, "request": request_id}
    known = {name: value for name, value in names.items() if value is not None}
    with structlog.contextvars.bound_contextvars(**known):
        yield


class Metrics:
    """The figures of one service process, in a collection of their own (no process-wide state).

    Args:
        traces: where the process's spans go; None for nowhere.
    """

    def __init__(self, traces: Traces | None = None) -> None:
        self.traces = traces or Traces()
        self.collection = CollectorRegistry()
        ProcessCollector(registry=self.collection)
        PlatformCollector(registry=self.collection)
        self.http_requests = Counter(
            "walkprint_http_requests",
            "Requests answered, by route template and status.",
            ("method", "route", "status"),
            registry=self.collection,
        )
        self.http_seconds = Histogram(
            "walkprint_http_request_seconds",
            "Time from the request line to the last byte of the answer.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.collection,
        )
        self.stage_seconds = Histogram(
            "walkprint_stage_seconds",
            "Time one walk spends in each stage: capture, gei, encode, search, explain, store.",
            ("stage",),
            buckets=_SECONDS,
            registry=self.collection,
        )
        self.batch_size = Histogram(
            "walkprint_encoder_batch_walks",
            "GEIs that shared one forward pass.",
            buckets=_BATCH_SIZES,
            registry=self.collection,
        )
        self.jobs_waiting = Gauge(
            "walkprint_jobs_waiting",
            "Accepted jobs of this process that no thread has begun.",
            registry=self.collection,
        )
        self.jobs_running = Gauge(
            "walkprint_jobs_running", "Jobs a thread works on.", registry=self.collection
        )
        self.job_wait_seconds = Histogram(
            "walkprint_job_wait_seconds",
            "Time from a job's acceptance until a thread begins it for the first time.",
            ("priority",),
            buckets=_WAITS,
            registry=self.collection,
        )
        self.jobs_finished = Counter(
            "walkprint_jobs_finished",
            "Jobs that ended, by kind and how.",
            ("kind", "state"),
            registry=self.collection,
        )
        self.job_problems = Counter(
            "walkprint_job_problems",
            "Jobs that ended without an answer, by problem type; deadline-passed are the expired.",
            ("problem",),
            registry=self.collection,
        )
        self.jobs_crashed = Counter(
            "walkprint_jobs_crashed",
            "Times that a job was in hand when its worker was lost, as this process noticed.",
            registry=self.collection,
        )
        self.jobs_given_up = Counter(
            "walkprint_jobs_given_up",
            "Jobs that were failed because they had lost their third worker.",
            registry=self.collection,
        )
        self.walk_quality = Histogram(
            "walkprint_walk_quality_score",
            "How good the walks were that could be used, 0 to 1.",
            buckets=_SCORES,
            registry=self.collection,
        )
        self.walks_refused = Counter(
            "walkprint_walks_refused",
            "Walks that were seen and could not be used, by reason.",
            ("reason",),
            registry=self.collection,
        )
        self.index_lag = Gauge(
            "walkprint_index_lag_revisions",
            "Changes that the index furthest behind had to catch up with, at the last look.",
            registry=self.collection,
        )
        self.index_refreshed = Gauge(
            "walkprint_index_refreshed_timestamp_seconds",
            "When all indexes of this process were last up to date; 0 where there are none.",
            registry=self.collection,
        )
        self.decisions = Counter(
            "walkprint_decisions",
            "Answers of identify and verify.",
            ("kind", "decision"),
            registry=self.collection,
        )
        self.refusals = Counter(
            "walkprint_refusals",
            "Requests refused, by problem type.",
            ("problem",),
            registry=self.collection,
        )
        self.rescued_jobs = Counter(
            "walkprint_rescued_jobs",
            "Jobs taken over from a process that died or lost its lease.",
            registry=self.collection,
        )
        self.retention_erased = Counter(
            "walkprint_retention_erased",
            "Walks and subjects erased for their age, and merges that became final.",
            ("kind",),
            registry=self.collection,
        )
        self.upload_bytes = Counter(
            "walkprint_upload_bytes", "Bytes of media received.", registry=self.collection
        )
        self.broker_connected = Gauge(
            "walkprint_broker_connected",
            "1 while the message broker can be reached; not a number where there is none.",
            registry=self.collection,
        )
        # Not 0: a service that works itself would be reported as cut off.
        self.broker_connected.set(math.nan)
        self.jobs_published = Counter(
            "walkprint_jobs_published",
            "Messages that the broker has confirmed, by queue.",
            ("queue",),
            registry=self.collection,
        )
        self.jobs_redelivered = Counter(
            "walkprint_jobs_redelivered",
            "Messages that another worker had before.",
            registry=self.collection,
        )
        self.encoder_ready = Gauge(
            "walkprint_encoder_ready",
            "1 once a real forward pass has been made.",
            registry=self.collection,
        )

    @contextmanager
    def stage(self, name: str, timing_ms: dict[str, float]) -> Iterator[None]:
        """Times one stage: for the metrics, the trace and the answer's `timing` (milliseconds)."""
        if (tell := _tell_stage.get()) is not None:
            tell(name)
        begun = perf_counter()
        with span(name):
            yield
        seconds = perf_counter() - begun
        self.stage_seconds.labels(name).observe(seconds)
        timing_ms[name] = round(timing_ms.get(name, 0.0) + seconds * 1000, 2)

    def exposition(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self.collection)


def configure_logging(level: str, *, as_json: bool) -> None:
    """Sends every log line of this process to stderr, one event a line.

    Args:
        level: "debug", "info", "warning" or "error".
        as_json: one JSON object a line; otherwise readable text.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # The parser warns of every malformed body, which the answer says already; the others tell
    # their own start in many lines.
    for name in ("python_multipart", "alembic", "faiss"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True

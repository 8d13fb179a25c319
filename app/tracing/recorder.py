"""Records spans with OpenTelemetry and sends them to a collector (OTLP over HTTP)."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import structlog
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.tracing.traced import Call, TracedJob

# A collector that does not answer within this is tried again with the next spans; also how long a
# process that ends waits for it.
_PATIENCE_SECONDS = 3.0
_FIRST_SERVER_ERROR = 500

_log = structlog.get_logger(__name__)
_W3C = TraceContextTextMapPropagator()


class Recorder:
    """The spans of one process on their way to a collector; up to 2,048 wait, the rest is dropped.

    Args:
        endpoint: URL of the collector; without a path, the usual one is taken.
        service: the process's name in traces.
        version: of the service.
        ratio: share of the calls that are recorded, unless their caller has decided.
    """

    def __init__(self, endpoint: str, *, service: str, version: str, ratio: float) -> None:
        # What it says at each failure is said here, once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._outlet = _Outlet(_with_path(endpoint))
        # It reads OTEL_RESOURCE_ATTRIBUTES as well: the names of sites and clusters.
        resource = Resource.create(
            {
                "service.name": service,
                "service.version": version,
                "service.instance.id": secrets.token_hex(8),
            }
        )
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(ratio)), resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._outlet))
        self._tracer = self._provider.get_tracer("walkprint", version)

    def close(self) -> None:
        """Sends what is left and ends the thread that sends."""
        self._outlet.hurry()
        self._provider.shutdown()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step within the one under way."""
        with self._entered(name, SpanKind.INTERNAL):
            yield

    @contextmanager
    def call(self, method: str, traceparent: str | None) -> Iterator[Call]:
        """An HTTP request; a part of its caller's trace, if they sent one."""
        with self._entered(method, SpanKind.SERVER, under=_context_of(traceparent)) as span:
            context = span.get_span_context()
            request_id, trace_id = f"{context.span_id:016x}", f"{context.trace_id:032x}"
            call = Call(
                request_id,
                f"00-{trace_id}-{request_id}-{context.trace_flags:02x}",
                trace_id if span.is_recording() else None,
            )
            try:
                yield call
            finally:
                span.update_name(call.name or method)
                span.set_attributes(
                    {
                        "http.request.method": call.name.partition(" ")[0] or "other",
                        "http.route": call.route,
                        "http.response.status_code": call.status,
                        "walkprint.request": request_id,
                    }
                )
                if call.status >= _FIRST_SERVER_ERROR:
                    _fail(span, str(call.status))

    @contextmanager
    def job(self, job: TracedJob) -> Iterator[None]:
        """One attempt at a job, in the trace of its call."""
        attributes: dict[str, str | int] = {
            "walkprint.job": job.id,
            "walkprint.attempt": job.attempt,
        }
        under = _context_of(job.traceparent)
        with self._entered(f"job {job.kind}", SpanKind.CONSUMER, under, attributes):
            yield

    def past(self, name: str, traceparent: str | None, since_ns: int) -> None:
        """A step that ends now; `since_ns` is when it began, in nanoseconds since 1970."""
        now_ns = time.time_ns()
        # The clock of another machine may be ahead.
        begun_ns = min(since_ns, now_ns)
        span = self._tracer.start_span(name, _context_of(traceparent), start_time=begun_ns)
        span.end(now_ns)

    def note_failure(self, kind: str) -> None:
        """Says of the step under way that it failed."""
        _fail(get_current_span(), kind)

    @contextmanager
    def _entered(
        self,
        name: str,
        kind: SpanKind,
        under: Context | None = None,
        attributes: Mapping[str, str | int] | None = None,
    ) -> Iterator[Span]:
        span = self._tracer.start_span(name, under, kind, attributes)
        token = attach(set_span_in_context(span, under))
        try:
            yield span
        except BaseException as error:
            # Never what it says: that may name somebody.
            _fail(span, type(error).__name__)
            raise
        finally:
            detach(token)
            span.end()


class _Outlet(SpanExporter):
    """The way to the collector; says in the log when it closes and when it opens again."""

    def __init__(self, endpoint: str) -> None:
        self._exporter = OTLPSpanExporter(endpoint, timeout=_PATIENCE_SECONDS)
        self._away = False
        self._in_a_hurry = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._away and self._in_a_hurry:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away and not self._away:
            _log.warning("the collector of traces does not take them; spans are lost")
        elif self._away and not away:
            _log.warning("the collector of traces takes them again")
        self._away = away
        return result

    def hurry(self) -> None:
        """The process ends: a collector that is away is not tried with every batch that is left."""
        self._in_a_hurry = True

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # theirs


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def _context_of(traceparent: str | None) -> Context:
    """Beneath which a span begins; an empty one, where there is no such header or it is none."""
    if traceparent is None:
        return Context()
    return _W3C.extract({"traceparent": traceparent}, Context())


def _with_path(endpoint: str) -> str:
    """Where collectors take traces, unless the URL says it."""
    is_bare = urlsplit(endpoint).path in ("", "/")
    return endpoint.rstrip("/") + "/v1/traces" if is_bare else endpoint

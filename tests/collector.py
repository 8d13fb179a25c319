"""A collector of traces: an OTLP/HTTP receiver on a free loopback port that keeps what it gets."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class ToldSpan:
    """A span as it came over the wire.

    Attributes:
        service: whose it is.
        trace: id of its trace, in hexadecimal.
        id: its own.
        parent: id of the span above it; empty for none.
        name: of the step.
        kind: as the protocol names it, such as SPAN_KIND_SERVER.
        begun_ns: since 1970.
        ended_ns: likewise.
        failed: whether it says so.
        attributes: by name.
    """

    service: str
    trace: str
    id: str
    parent: str
    name: str
    kind: str
    begun_ns: int
    ended_ns: int
    failed: bool
    attributes: dict[str, str | int]


@dataclass
class Collector:
    """What has come in.

    Attributes:
        url: where it listens.
        bodies: of all requests, decompressed.
        paths: that they were sent to.
    """

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)

    @property
    def resources(self) -> list[dict[str, str]]:
        """What the processes that sent say of themselves."""
        return [
            {each.key: each.value.string_value for each in told.resource.attributes}
            for request in self._requests()
            for told in request.resource_spans
        ]

    @property
    def spans(self) -> list[ToldSpan]:
        """All spans, in the order in which they began."""
        found = [
            _told(span, {each.key: each.value.string_value for each in told.resource.attributes})
            for request in self._requests()
            for told in request.resource_spans
            for scope in told.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: (span.begun_ns, -span.ended_ns))

    def _requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]


def _told(span: Span, resource: dict[str, str]) -> ToldSpan:
    return ToldSpan(
        service=resource["service.name"],
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=Span.SpanKind.Name(span.kind),
        begun_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        attributes={
            each.key: each.value.int_value
            if each.value.HasField("int_value")
            else each.value.string_value
            for each in span.attributes
        },
    )


@contextmanager
def collector() -> Iterator[Collector]:
    """Listens until the block ends."""
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            kept.paths.add(self.path)
            kept.bodies.append(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Tests have nothing to read there."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

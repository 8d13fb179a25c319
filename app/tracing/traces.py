"""Where the spans of one process go, and what they begin with: a call, or a job of one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.tracing.spans import within
from app.tracing.traced import Call, TracedJob

if TYPE_CHECKING:
    from app.tracing.recorder import Recorder


class Traces:
    """The spans of one process. Nothing is recorded before `start`, or without an endpoint.

    Args:
        endpoint: URL of an OTLP/HTTP collector; None for no traces.
        service: the process's name in traces.
        version: of the service.
        ratio: share of the calls that are recorded, 0 to 1, unless their caller has decided.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        service: str = "walkprint",
        version: str = "",
        ratio: float = 1.0,
    ) -> None:
        self._endpoint = endpoint
        self._service = service
        self._version = version
        self._ratio = ratio
        self._recorder: Recorder | None = None

    def start(self) -> None:
        """Begins to record."""
        if self._endpoint is not None:
            # Imported here: whoever has no collector pays nothing for OpenTelemetry.
            from app.tracing.recorder import Recorder  # noqa: PLC0415

            self._recorder = Recorder(
                self._endpoint, service=self._service, version=self._version, ratio=self._ratio
            )

    def close(self) -> None:
        """Sends what is left; a few seconds at most, where the collector does not answer."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.close()

    @contextmanager
    def call(
        self, method: str, traceparent: str | None, *, recorded: bool = True
    ) -> Iterator[Call]:
        """Surrounds one HTTP request.

        Args:
            method: of the request.
            traceparent: as the caller sent it, if they did.
            recorded: False for what would only fill traces, such as probes.

        Yields:
            The call, which is to be told its route and status before the block ends.
        """
        recorder = self._recorder
        if recorder is None or not recorded:
            request_id = secrets.token_hex(8)
            # The job still learns which request it belongs to; the last digits say that nobody
            # records it.
            call = Call(request_id, f"00-{secrets.token_hex(16)}-{request_id}-00")
            with within(None, call.traceparent):
                yield call
            return
        with recorder.call(method, traceparent) as call, within(recorder, call.traceparent):
            yield call

    @contextmanager
    def job(self, job: TracedJob) -> Iterator[None]:
        """Surrounds one attempt at a job, and tells how long it waited for it."""
        recorder = self._recorder
        if recorder is None:
            with within(None, job.traceparent):
                yield
            return
        recorder.past("queue", job.traceparent, int(job.waits_since.timestamp() * 1e9))
        with recorder.job(job), within(recorder, job.traceparent):
            yield

    def past(self, name: str, traceparent: str | None, since: float) -> None:
        """Records a step that ends now, where its call is traced.

        Args:
            name: of the step.
            traceparent: of the call that it belongs to.
            since: when it began, as `time.monotonic` said.
        """
        recorder = self._recorder
        if recorder is not None and traceparent is not None:
            took_ns = int((time.monotonic() - since) * 1e9)
            recorder.past(name, traceparent, time.time_ns() - took_ns)

"""Traces: one for each call, with the steps of its job in whichever process they are taken.

Off unless a collector is named; then OpenTelemetry is not even imported. No span holds a name, an
id of a subject, an address with one in it, a score, or what an exception says: steps are told apart
by their own names and by the random ids of requests and jobs.
"""

from __future__ import annotations

from app.tracing.spans import note_failure, span, traceparent
from app.tracing.traced import Call, TracedJob
from app.tracing.traces import Traces

__all__ = ["Call", "TracedJob", "Traces", "note_failure", "span", "traceparent"]

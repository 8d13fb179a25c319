"""A call is one trace, from its first byte to its answer, and tells nothing of anybody."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from app.settings import Settings
from tests.collector import Collector, ToldSpan, collector
from tests.live_service import LiveService, live_service
from tests.walks import walk_zip

# Words that no trace may hold.
_SUBJECT, _NAME, _GALLERY = "ada-2471", "Ada Lovelace", "vestibule"
_CALLERS_TRACE, _CALLERS_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@dataclass(frozen=True)
class Day:
    """Calls that were made, and what a collector was told of them.

    Attributes:
        collected: all of it.
        answers: of the calls, by what they are called here.
    """

    collected: Collector
    answers: dict[str, httpx.Response]

    def spans_of(self, call: str) -> list[ToldSpan]:
        """The trace that a call is part of."""
        request = self.answers[call].headers["x-request-id"]
        (top,) = [span for span in self.collected.spans if span.id == request]
        return [span for span in self.collected.spans if span.trace == top.trace]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A service that traces everything, until it has ended."""
    with pytest.MonkeyPatch.context() as patch, collector() as collected:
        patch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=north-gate")
        # By which the framework would tell everything.
        patch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collected.url)
        settings = Settings(
            data=tmp_path_factory.mktemp("traced"), device="cpu", traces=collected.url
        )
        with live_service(settings) as service:
            answers = _calls(service)
        yield Day(collected, answers)


def _calls(service: LiveService) -> dict[str, httpx.Response]:
    def send(path: str, media: bytes, flags: str | None = None, **fields: str) -> httpx.Response:
        parent = f"00-{_CALLERS_TRACE}-{_CALLERS_SPAN}-{flags}"
        return service.http.post(
            path,
            data={"gallery": _GALLERY, **fields},
            files={"walk": ("walk.zip", media)},
            headers={} if flags is None else {"traceparent": parent},
        )

    return {
        "enrol": send("/enroll", walk_zip(1, walk=1), subject=_SUBJECT, name=_NAME),
        "identify": send("/identify", walk_zip(1, walk=2)),
        "part of a trace": send("/identify", walk_zip(1, walk=3), "01"),
        "not to be traced": send("/identify", walk_zip(1, walk=3), "00"),
        "refused": send("/identify", b"PK\x03\x04 no archive"),
        "somebody": service.http.get(f"/subjects/{_SUBJECT}?gallery={_GALLERY}"),
        "nobody": service.http.post(
            "/verify",
            data={"gallery": _GALLERY, "subject": f"{_SUBJECT}-stranger"},
            files={"walk": ("walk.zip", walk_zip(1, walk=2))},
        ),
    }


def test_a_call_is_one_trace_with_the_steps_of_its_job(day: Day) -> None:
    assert day.answers["identify"].status_code == 200
    spans = day.spans_of("identify")
    above = {span.id: span.name for span in spans}

    assert {span.name: above.get(span.parent, "") for span in spans} == {
        "POST /identify": "",
        "receive": "POST /identify",
        "accept": "POST /identify",
        "wait": "POST /identify",
        "queue": "POST /identify",
        "job identify": "POST /identify",
        "capture": "job identify",
        "gei": "job identify",
        "encode": "job identify",
        "search": "job identify",
        "store": "job identify",
    }
    assert len(spans) == 11
    assert all(span.begun_ns <= span.ended_ns for span in spans)
    assert not any(span.failed for span in spans)


def test_steps_lie_within_what_they_are_part_of(day: Day) -> None:
    spans = day.spans_of("identify")
    job = next(span for span in spans if span.name == "job identify")
    steps = [span for span in spans if span.parent == job.id]

    assert [span.name for span in steps] == ["capture", "gei", "encode", "search", "store"]
    assert all(job.begun_ns <= span.begun_ns for span in steps)
    assert all(span.ended_ns <= job.ended_ns for span in steps)


def test_a_trace_is_found_by_what_the_answer_says(day: Day) -> None:
    answer = day.answers["identify"]
    attributes = {span.name: span.attributes for span in day.spans_of("identify")}

    assert attributes["job identify"]["walkprint.job"] == answer.json()["job"]
    assert attributes["POST /identify"]["walkprint.request"] == answer.headers["x-request-id"]
    assert attributes["POST /identify"]["http.response.status_code"] == 200


def test_the_callers_trace_goes_on_here(day: Day) -> None:
    top = day.spans_of("part of a trace")[0]

    assert (top.trace, top.parent) == (_CALLERS_TRACE, _CALLERS_SPAN)
    assert top.kind == "SPAN_KIND_SERVER"


def test_a_caller_who_does_not_trace_is_not_traced(day: Day) -> None:
    answer = day.answers["not to be traced"]

    assert answer.status_code == 200
    assert answer.headers["x-request-id"] not in {span.id for span in day.collected.spans}
    assert sum(span.trace == _CALLERS_TRACE for span in day.collected.spans) == 11


def test_a_refusal_is_told_by_its_kind(day: Day) -> None:
    spans = {span.name: span for span in day.spans_of("refused")}

    assert spans["job identify"].failed
    assert spans["job identify"].attributes["error.type"] == "media-not-readable"
    assert spans["capture"].attributes["error.type"] == "MediaNotReadable"
    assert not spans["POST /identify"].failed  # the service did what it should


def test_no_trace_says_anything_of_anybody(day: Day) -> None:
    assert day.answers["enrol"].json()["subject"] == _SUBJECT
    assert day.answers["somebody"].json()["name"] == _NAME
    assert day.answers["nobody"].status_code == 404
    everything = b"".join(day.collected.bodies)
    told = {key for span in day.collected.spans for key in span.attributes}

    assert [word for word in (_SUBJECT, _NAME, _GALLERY) if word.encode() in everything] == []
    assert told == {
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "walkprint.attempt",
        "walkprint.job",
        "walkprint.request",
    }
    # Events are where OpenTelemetry puts what exceptions say.
    assert b"exception" not in everything


def test_probes_are_not_recorded(day: Day) -> None:
    """The service was asked whether it is ready until it was."""
    assert not any("readyz" in span.name for span in day.collected.spans)


def test_a_process_says_who_it_is(day: Day) -> None:
    resource = day.collected.resources[0]

    assert day.collected.paths == {"/v1/traces"}
    assert resource["service.name"] == "walkprint-api"
    assert resource["deployment.environment.name"] == "north-gate"
    assert resource["service.version"]
    assert resource["service.instance.id"]


def test_without_a_collector_nothing_is_loaded_that_records() -> None:
    """FastAPI looks for OpenTelemetry's API by itself; that alone does nothing."""
    program = (
        "import sys\n"
        "import app.main, app.worker_process, app.worker.recognition\n"
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))\n"
        " for name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False)  # noqa: S603

    assert done.returncode == 0

"""Callers who are slow, endless, many, or do not speak HTTP: bounded cost, and everybody else is
answered meanwhile."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.demo.service_process import ServiceProcess
from tests.security.callers import HOST, Heard, connect, healthy_calls, hear, say

_HEAD_SECONDS = 2.0
_GRACE_SECONDS = 2.0
_CONNECTIONS = 300
_LORISES = 500
"""More than there are connections."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A real process with shorter patience than usual, so that the tests need not wait so long."""
    environment = {
        "WALKPRINT_DEVICE": "cpu",
        "WALKPRINT_HEAD_SECONDS": str(_HEAD_SECONDS),
        "WALKPRINT_BODY_GRACE_SECONDS": str(_GRACE_SECONDS),
        "WALKPRINT_MAX_CONNECTIONS": str(_CONNECTIONS),
        "WALKPRINT_LOG_LEVEL": "error",
    }
    folder = tmp_path_factory.mktemp("service")
    with ServiceProcess(folder, environment=environment) as running:
        yield running
        assert "Traceback" not in running.log_path.read_text()


def open_files(service: ServiceProcess) -> int:
    return len(list(Path(f"/proc/{service.pid}/fd").iterdir()))


def wait_until_closed(service: ServiceProcess, before: int) -> None:
    deadline = time.monotonic() + 20
    while open_files(service) > before + 5:
        assert time.monotonic() < deadline, "connections are still open"
        time.sleep(0.05)


def drip(sockets: list[socket.socket], piece: bytes, seconds: float) -> int:
    """Sends a byte on every connection again and again; returns how many were closed on us."""
    until, closed = time.monotonic() + seconds, set[int]()
    while time.monotonic() < until and len(closed) < len(sockets):
        for number, raw in enumerate(sockets):
            try:
                raw.sendall(piece)
            except OSError:
                closed.add(number)
        time.sleep(0.25)
    return len(closed)


def test_hundreds_who_send_a_header_byte_now_and_then_keep_nobody_out(
    service: ServiceProcess,
) -> None:
    before = open_files(service)
    with ExitStack() as held, healthy_calls(service.url) as healthy:
        lorises = [held.enter_context(connect(service.url)) for _ in range(_LORISES)]
        for loris in lorises:
            loris.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        closed = drip(lorises, b"a", 4 * _HEAD_SECONDS)
    print(f"slow heads: {healthy}")  # noqa: T201 - pytest -s

    assert closed == _LORISES
    wait_until_closed(service, before)


def test_a_head_that_does_not_end_is_told_so(service: ServiceProcess) -> None:
    assert_problem(say(service.url, b"GET / HTTP/1.1\r\n", HOST), 408, "request-stalled")
    assert_problem(say(service.url), 408, "request-stalled")


def test_empty_lines_between_requests_keep_no_connection_open(service: ServiceProcess) -> None:
    with connect(service.url) as raw:
        raw.sendall(b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n")
        begun = time.monotonic()
        closed = drip([raw], b"\r\n", 4 * _HEAD_SECONDS)
        assert closed == 1
        assert time.monotonic() - begun < 4 * _HEAD_SECONDS


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/identify", b"multipart/form-data; boundary=x"), ("/galleries", b"application/json")],
)
def test_bodies_that_drip_are_ended(service: ServiceProcess, path: str, kind: bytes) -> None:
    head = (
        f"POST {path} HTTP/1.1\r\nContent-Length: 60000\r\n".encode()
        + b"Content-Type: " + kind + b"\r\n" + HOST + b"\r\n"
    )  # fmt: skip
    with ExitStack() as held, healthy_calls(service.url) as healthy:
        drippers = [held.enter_context(connect(service.url)) for _ in range(100)]
        for dripper in drippers:
            dripper.sendall(head)
        closed = drip(drippers, b"-", 5 * _GRACE_SECONDS)
    print(f"dripping bodies: {healthy}")  # noqa: T201 - pytest -s

    assert closed == len(drippers)


def test_an_answer_that_nobody_reads_costs_nobody_else(service: ServiceProcess) -> None:
    """Pipelined requests whose answers fill every buffer on the way."""
    request = b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"
    with ExitStack() as held, healthy_calls(service.url) as healthy:
        for _ in range(20):
            raw = held.enter_context(connect(service.url))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.sendall(request * 50)
        while len(healthy.seconds) < 3:
            time.sleep(0.05)
    print(f"unread answers: {healthy}")  # noqa: T201 - pytest -s


def assert_problem(heard: Heard, status: int, slug: str) -> None:
    assert heard.statuses == [status], heard.raw[:300]
    assert b"application/problem+json" in heard.raw
    assert heard.slug == slug


_MIB = 1024 * 1024
_LONG = b"x" * (4 * _MIB)


@pytest.mark.parametrize(
    ("head", "status", "slug"),
    [
        (b"GET /" + _LONG + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431, "headers-too-large"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "address-too-long"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + _LONG + b"\r\n\r\n", 431, "headers-too-large"),
        (b"GET / HTTP/1.1\r\n" + HOST + _LONG + b": x\r\n\r\n", 431, "headers-too-large"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 200 + b"\r\n", 431, "headers-too-large"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 100_000, 431, "headers-too-large"),
    ],
)
def test_heads_of_any_size_are_refused_after_32_kib(
    service: ServiceProcess, head: bytes, status: int, slug: str
) -> None:
    assert_problem(say(service.url, head), status, slug)


_UPLOAD = (
    b"POST /identify HTTP/1.1\r\n" + HOST + b"Content-Type: multipart/form-data; boundary=x\r\n"
)
_CHUNKED = _UPLOAD + b"Transfer-Encoding: chunked\r\n"
_SMUGGLED = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="SSH"),
        pytest.param(b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", id="another version"),
        pytest.param(b"GET / HTTP/1.1\n" + HOST + b" folded: x\r\n\r\n", id="a folded header"),
        pytest.param(b"GET / HTTP/1.1\r\n" + HOST + b"No colon\r\n\r\n", id="no colon"),
        pytest.param(b"GET / HTTP/1.1\r\n" + HOST + b"X : y\r\n\r\n", id="a space in a name"),
        pytest.param(b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", id="a null byte"),
        pytest.param(b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n", id="a raw path"),
        pytest.param(_CHUNKED + b"\r\nzz\r\nhello\r\n0\r\n\r\n", id="a chunk size of letters"),
        pytest.param(_CHUNKED + b"\r\n-1\r\nhello\r\n0\r\n\r\n", id="a negative chunk"),
        pytest.param(_CHUNKED + b"\r\n" + b"f" * 40 + b"\r\nhello", id="a chunk beyond 64 bits"),
        pytest.param(_CHUNKED + b"\r\n5\r\nhelloXX\r\n0\r\n\r\n", id="a chunk without its end"),
        pytest.param(_UPLOAD + b"Content-Length: -1\r\n\r\n", id="a negative length"),
        pytest.param(_UPLOAD + b"Content-Length: 1e3\r\n\r\n", id="a length that is no number"),
        pytest.param(_UPLOAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", id="a huge length"),
        pytest.param(
            _UPLOAD + b"Content-Length: 0\r\nContent-Length: 50\r\n\r\n" + _SMUGGLED,
            id="two lengths",
        ),
        pytest.param(
            _CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n" + _SMUGGLED, id="length and chunks"
        ),
        pytest.param(
            _UPLOAD
            + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            + _SMUGGLED,
            id="chunks and length",
        ),
        pytest.param(
            _UPLOAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + _SMUGGLED,
            id="chunks in the middle",
        ),
        pytest.param(
            _UPLOAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
            id="an unknown encoding",
        ),
        pytest.param(
            _UPLOAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
            id="a space before the colon",
        ),
    ],
)
def test_what_is_not_http_is_refused_and_hides_no_second_request(
    service: ServiceProcess, request_bytes: bytes
) -> None:
    """One answer, then the connection is closed: a proxy before it and this service cannot come to
    disagree about where a request ends."""
    assert_problem(say(service.url, request_bytes), 400, "malformed-request")


def test_a_body_shorter_than_announced_waits_and_is_ended(service: ServiceProcess) -> None:
    announced = _UPLOAD + b"Connection: close\r\nContent-Length: 5000\r\n\r\n--x\r\n"
    assert_problem(say(service.url, announced), 408, "upload-stalled")


def test_what_follows_a_body_longer_than_announced_is_no_part_of_it(
    service: ServiceProcess,
) -> None:
    """The excess is read as the next request, as HTTP/1.1 says, and is refused as such."""
    heard = say(
        service.url,
        b"POST /galleries HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n{}" + b"and something else\r\n\r\n",
    )
    assert heard.statuses in ([422, 400], [422])


def test_pipelined_requests_are_answered_in_their_order(service: ServiceProcess) -> None:
    one = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"
    other = b"GET /subjects/nobody HTTP/1.1\r\n" + HOST + b"\r\n"
    last = b"GET /livez HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    heard = say(service.url, (one + other) * 20 + last)
    assert heard.statuses == [200, 404] * 20 + [200]


def test_garbage_after_a_good_request_leaves_its_answer_alone(service: ServiceProcess) -> None:
    heard = say(service.url, _SMUGGLED + b"\x00\x01\x02 garbage\r\n\r\n")
    assert heard.statuses in ([200], [200, 400])
    assert heard.raw.count(b'"alive"') == 1


def test_many_who_leave_in_the_middle_leave_nothing(service: ServiceProcess) -> None:
    before = open_files(service)
    for number in range(200):
        with connect(service.url) as raw:
            raw.sendall((_CHUNKED + b"\r\n5\r\n--x\r\n")[: 20 + number])
    with connect(service.url) as raw:
        raw.sendall(b"GET /livez HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        assert hear(raw).statuses == [200]
    wait_until_closed(service, before)
    assert [p for p in (service.data / "uploads").rglob("*") if p.is_file()] == []

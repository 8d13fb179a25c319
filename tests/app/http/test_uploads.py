"""How uploads arrive: bounded, streamed, and refused before they are read whole."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService
from tests.walks import walk_zip

BOUNDARY = "------------------------4f1bd3a1c2"
LIMIT = 2_000_000


@contextmanager
def connection(service: LiveService) -> Iterator[socket.socket]:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as raw:
        yield raw


def head(*lines: str) -> bytes:
    start = (
        "POST /identify HTTP/1.1",
        "Host: localhost",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
    )
    return "\r\n".join((*start, *lines, "", "")).encode()


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename else ""
    disposition = f'Content-Disposition: form-data; name="{name}"{file}'
    return f"--{BOUNDARY}\r\n{disposition}\r\n\r\n".encode() + content + b"\r\n"


def end() -> bytes:
    return f"--{BOUNDARY}--\r\n".encode()


def read_answer(raw: socket.socket) -> tuple[int, dict[str, object]]:
    """Status and body of one answer; reads until the service closes the connection."""
    received = b""
    while block := raw.recv(65536):
        received += block
    head_text, _, body = received.partition(b"\r\n\r\n")
    return int(head_text.split()[1]), json.loads(body)


def test_an_announced_excess_is_refused_before_a_byte_of_it_is_sent(service: LiveService) -> None:
    with connection(service) as raw:
        raw.sendall(head(f"Content-Length: {LIMIT + 1}", "Expect: 100-continue"))
        status, problem = read_answer(raw)

    assert (status, problem["type"]) == (413, "/problems/upload-too-large")
    assert problem["limit_bytes"] == LIMIT


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(service: LiveService) -> None:
    block = b"x" * 65536
    with connection(service) as raw:
        raw.sendall(head("Transfer-Encoding: chunked"))
        opening = part("walk", b"", "walk.mp4").removesuffix(b"\r\n")
        raw.sendall(b"%x\r\n%s\r\n" % (len(opening), opening))
        for _ in range(LIMIT // len(block) + 1):
            raw.sendall(b"%x\r\n%s\r\n" % (len(block), block))
        status, problem = read_answer(raw)

    assert (status, problem["type"]) == (413, "/problems/upload-too-large")
    assert service.stored_uploads == []


def test_a_client_that_goes_on_sending_still_gets_the_answer(service: LiveService) -> None:
    response = service.http.post("/identify", files={"walk": b"x" * (3 * LIMIT)})

    assert_refused(response, 413, "upload-too-large")
    assert response.headers["connection"] == "close"
    assert service.http.get("/livez").status_code == 200


def test_a_client_that_leaves_in_the_middle_leaves_nothing(service: LiveService) -> None:
    with connection(service) as raw:
        raw.sendall(head("Content-Length: 100000") + part("walk", b"PK\x03\x04" * 2000, "w.zip"))
        raw.shutdown(socket.SHUT_RDWR)

    # The service has noticed once it has answered whatever it held open.
    service.http.get("/livez").raise_for_status()
    answered = service.http.post("/identify", files={"walk": b"no film"})
    assert answered.status_code == 422
    assert service.stored_uploads == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"walk": "film"}'),
        ("application/x-www-form-urlencoded", b"walk=film"),
        ("multipart/form-data", b"without a boundary"),
        ("video/mp4", b"\0\0\0 ftypisom"),
    ],
)
def test_only_multipart_bodies_are_taken(
    service: LiveService, content_type: str, body: bytes
) -> None:
    response = service.http.post("/identify", content=body, headers={"Content-Type": content_type})

    assert_refused(response, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "body",
    [
        part("walk", walk_zip(1), "w.zip"),  # the closing boundary is missing
        b"no boundary at all",
        f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nnameless\r\n".encode() + end(),
        f"--{BOUNDARY}\r\n{'X-Long: ' + 'x' * 100_000}\r\n\r\n".encode() + end(),
    ],
)
def test_a_body_that_is_not_what_it_says_is_malformed(service: LiveService, body: bytes) -> None:
    response = service.http.post(
        "/identify",
        content=body,
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )

    assert_refused(response, 400, "malformed-request")
    assert service.stored_uploads == []


def test_too_many_parts_are_refused(service: LiveService) -> None:
    parts = b"".join(part("walk", b"\x89PNG\r\n\x1a\n", f"{n}.png") for n in range(5001))

    response = service.http.post(
        "/identify",
        content=parts + end(),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )

    assert_refused(response, 413, "too-many-parts")
    assert service.stored_uploads == []


def test_a_field_must_be_utf8_and_come_once(service: LiveService) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    walk = part("walk", walk_zip(1), "w.zip")
    latin = part("gallery", "é".encode("latin-1")) + walk + end()
    twice = part("gallery", b"a") + part("gallery", b"b") + walk + end()

    for body in (latin, twice):
        response = service.http.post("/identify", content=body, headers=headers)
        assert assert_refused(response, 422, "invalid-field")["field"] == "gallery"


def test_a_small_json_body_is_bounded_too(service: LiveService) -> None:
    response = service.http.post("/galleries", json={"name": "x" * 100_000})

    assert_refused(response, 413, "upload-too-large")

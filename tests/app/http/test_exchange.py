"""Galleries as files, through HTTP, the client and the command line."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from app.client import Client, WalkprintError
from app.settings import Settings
from tests.app.command import runner
from tests.app.conftest import Reply, ScriptedService
from tests.app.http.test_recognition import ADA, BOB, EVE, enroll, identify
from tests.app.http.test_refusals import assert_refused
from tests.gallery_files import gallery_file, packed, subject_line, walk_line
from tests.live_service import LiveService, live_service
from tests.walks import walk_zip

_TYPE = {"Content-Type": "application/x-ndjson"}
_LIMIT_BYTES = 120_000_000
_ONE_WALK = [subject_line("ada"), walk_line(1, embeddings={})]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A second service."""
    settings = Settings(
        data=tmp_path_factory.mktemp("elsewhere"), device="cpu", max_import_bytes=_LIMIT_BYTES
    )
    with live_service(settings) as running:
        yield running


def test_searches_answer_the_same_elsewhere(
    service: LiveService, elsewhere: LiveService, gallery: str, tmp_path: Path
) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA), walk_zip(ADA, walk=2))
    enroll(service, gallery, "bob", walk_zip(BOB))
    with Client(service.url) as ours, Client(elsewhere.url) as theirs:
        exported = ours.export_gallery(gallery, tmp_path / "gallery.jsonl")
        imported = theirs.import_gallery(tmp_path / "gallery.jsonl")

    assert (exported.subjects, exported.walks, exported.templates) == (2, 3, 3)
    assert (imported.gallery, imported.created, imported.walks_added) == (gallery, True, 3)
    assert imported.walks_without_template == 0
    assert (tmp_path / "gallery.jsonl").stat().st_mode & 0o777 == 0o600
    for walker in (ADA, BOB, EVE):
        here = identify(service, gallery, walk_zip(walker, walk=3))
        there = identify(elsewhere, gallery, walk_zip(walker, walk=3))
        assert (there.decision, there.subject, there.score) == (
            here.decision,
            here.subject,
            here.score,
        )
        assert there.candidates == here.candidates


def test_commands_write_and_read_the_file(
    service: LiveService,
    elsewhere: LiveService,
    gallery: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA))
    run, file = runner(capsys), tmp_path / "gallery.jsonl"

    out = run("galleries", "export", gallery, file, "--url", service.url)
    again = run("galleries", "export", gallery, file, "--url", service.url)
    into = run("galleries", "import", file, "--gallery", f"{gallery}-2", "--url", elsewhere.url)
    same = run("galleries", "import", file, "-g", f"{gallery}-2", "--json", "--url", elsewhere.url)

    assert (out.code, into.code, same.code) == (0, 0, 0)
    assert "1 people with 1 walks" in out.err
    assert again.code == 2
    assert f"1 people and 1 walks into {gallery}-2" in into.err.replace("\n", " ")
    assert json.loads(same.out)["walks_known"] == 1


def test_walks_without_a_template_are_said(
    elsewhere: LiveService, gallery: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gallery.jsonl"
    file.write_bytes(gallery_file(_ONE_WALK))

    said = runner(capsys)("galleries", "import", file, "-g", gallery, "--url", elsewhere.url)

    assert said.code == 0
    assert "1 walks cannot be found yet" in said.err
    assert "walkprint checkpoints activate" in said.err.replace("\n", " ")


def test_a_line_that_cannot_be_imported_is_named(elsewhere: LiveService, gallery: str) -> None:
    file = gallery_file([subject_line("ada"), walk_line(7, gei="AAAA")])

    response = elsewhere.http.post(f"/galleries/{gallery}/import", content=file, headers=_TYPE)

    document = assert_refused(response, 422, "import-line-invalid")
    assert (document["line"], document["field"], document["walks_added"]) == (3, "gei", 0)


def test_a_file_that_is_not_whole_is_refused(elsewhere: LiveService, gallery: str) -> None:
    file = b"".join(gallery_file([subject_line("ada")]).splitlines(keepends=True)[:-1])

    response = elsewhere.http.post(f"/galleries/{gallery}/import", content=file, headers=_TYPE)

    assert assert_refused(response, 422, "import-cut-short")["line"] == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {**_TYPE, "Content-Encoding": "gzip"},
    ],
)
def test_bodies_of_another_kind_are_refused_unread(
    elsewhere: LiveService, gallery: str, headers: dict[str, str]
) -> None:
    body = gzip.compress(bytes(10_000_000))

    response = elsewhere.http.post(f"/galleries/{gallery}/import", content=body, headers=headers)

    assert_refused(response, 415, "unsupported-media-type")


def test_a_line_of_100_megabytes_is_refused_after_the_first(
    elsewhere: LiveService, gallery: str
) -> None:
    def endless_line() -> Iterator[bytes]:
        yield gallery_file([]).splitlines(keepends=True)[0]
        for _ in range(100):
            yield b"x" * 1_000_000

    response = elsewhere.http.post(
        f"/galleries/{gallery}/import", content=endless_line(), headers=_TYPE
    )

    assert assert_refused(response, 422, "import-line-invalid")["line"] == 2


def test_a_file_over_the_limit_is_refused_before_it_is_read(
    elsewhere: LiveService, gallery: str
) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(elsewhere.url).port)) as caller:
        caller.sendall(_head(gallery, f"Content-Length: {_LIMIT_BYTES + 1}"))
        answer = b"".join(iter(lambda: caller.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"import-too-large" in answer


def test_a_large_body_is_let_in_nowhere_else(elsewhere: LiveService) -> None:
    body = b'{"name": "' + b"x" * 100_000 + b'"}'

    response = elsewhere.http.post("/galleries", content=body, headers=_TYPE)

    assert_refused(response, 413, "upload-too-large")


def test_few_exchanges_go_on_at_once_and_a_caller_that_leaves_makes_room(
    elsewhere: LiveService, gallery: str
) -> None:
    begun = packed([subject_line("nobody")])
    port = urlsplit(elsewhere.url).port
    with ExitStack() as open_calls:
        while (refused := _import_nothing(elsewhere, gallery)).status_code == 200:
            caller = open_calls.enter_context(socket.create_connection(("127.0.0.1", port)))
            caller.sendall(_head(gallery, f"Content-Length: {len(begun) + 1}") + begun)
    while _import_nothing(elsewhere, gallery).status_code == 503:
        time.sleep(0.05)

    assert_refused(refused, 503, "too-busy")
    assert _import_nothing(elsewhere, gallery).status_code == 200


def test_a_gallery_that_is_not_there_is_no_file(service: LiveService, tmp_path: Path) -> None:
    assert_refused(service.http.get("/galleries/nowhere/export"), 404, "unknown-gallery")
    with Client(service.url) as client, pytest.raises(WalkprintError, match="nowhere"):
        client.export_gallery("nowhere", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_broke_off_leaves_no_file(
    scripted_service: ScriptedService, reply: type[Reply], tmp_path: Path
) -> None:
    whole = gallery_file(_ONE_WALK)
    for body in (whole[:-200], whole.replace(b"ada", b"eve"), b"", b"[]"):
        scripted_service.replies.append(reply(200, body))
        with (
            Client(scripted_service.url) as client,
            pytest.raises(WalkprintError, match="broke off"),
        ):
            client.export_gallery("default", tmp_path / "file")

    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\x89PNG")

    with Client("http://127.0.0.1:9") as client, pytest.raises(WalkprintError, match="header"):
        client.import_gallery(file)


def _head(gallery: str, length: str) -> bytes:
    return (
        f"POST /galleries/{gallery}/import HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/x-ndjson\r\n{length}\r\n\r\n"
    ).encode()


def _import_nothing(service: LiveService, gallery: str) -> httpx.Response:
    return service.http.post(
        f"/galleries/{gallery}/import", content=gallery_file([]), headers=_TYPE
    )

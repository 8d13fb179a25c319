"""Media that name places: nothing is fetched or opened but what was uploaded; and texts that would
break an answer."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from tests.live_service import LiveService, live_service
from tests.walks import walk_pictures, walk_zip, zip_of

_SECRET = "never to be seen by a caller"  # noqa: S105 - a sentence in a file


@dataclass
class Listener:
    """Somebody who waits for the service to call.

    Attributes:
        url: where.
        callers: who called.
    """

    url: str
    callers: list[object] = field(default_factory=list)


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Listener(f"http://127.0.0.1:{server.getsockname()[1]}")

        def wait() -> None:
            try:
                while True:
                    connection, caller = server.accept()
                    found.callers.append(caller)
                    connection.close()
            except OSError:
                return  # closed: the tests are over

        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        yield found
        server.shutdown(socket.SHUT_RDWR)
        waiting.join()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    with live_service(Settings(data=tmp_path_factory.mktemp("media"), device="cpu")) as running:
        yield running


@pytest.fixture(scope="module")
def secret_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("secret") / "secret.png"
    file.write_text(_SECRET)
    return file


# %s is a URL of the listener, or of a file on this machine.
_PLACES = {
    "a bare URL": "%s",
    "an HLS playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n%s\n#EXT-X-ENDLIST\n",
    "an HLS key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="%s"\n#EXTINF:9,\nx.ts\n#EXT-X-ENDLIST\n',
    "an ffconcat list": "ffconcat version 1.0\nfile '%s'\nduration 5\n",
    "a concat URL": "concat:%s|%s",
    "a DASH manifest": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        "<BaseURL>%s</BaseURL></Period></MPD>"
    ),
    "a session description": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=%s\nm=video 9 RTP/AVP 96\n",
    "an SVG picture": (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        '<image xlink:href="%s" width="9" height="9"/></svg>'
    ),
    "an XML entity": (
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e SYSTEM "%s">]>'
        '<svg xmlns="http://www.w3.org/2000/svg"><text>&e;</text></svg>'
    ),
    "a billion laughs": (
        '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "%s">'
        + "".join(
            f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + "]><l>&i;</l>"
    ),
    "a web page": '<html><img src="%s"><iframe src="%s"></iframe></html>',
    "an ImageMagick script": "push graphic-context\nimage over 0,0 0,0 '%s'\npop graphic-context\n",
    "a PostScript page": "%%!PS\n(%s) (r) file\n",
}


def _naming(place: str, url: str) -> bytes:
    return place.replace("%%", "%").replace("%s", url).encode()


@pytest.mark.parametrize("kind", _PLACES)
def test_media_that_name_another_place_are_refused_and_nothing_goes_there(
    service: LiveService, listener: Listener, secret_file: Path, kind: str
) -> None:
    """As the file itself, among frames, as a text where a file is expected, and as its name."""
    for url in (f"{listener.url}/walk.mp4", f"file://{secret_file}", str(secret_file)):
        content = _naming(_PLACES[kind], url)
        frames = dict(zip(map("{}.png".format, range(99)), walk_pictures(1), strict=False))
        for files in (
            {"walk": ("walk.mp4", content)},
            {"walk": ("walk.m3u8", content, "application/vnd.apple.mpegurl")},
            {"walk": ("walk.svg", content, "image/svg+xml")},
            {"walk": ("walk.zip", zip_of({**frames, "50.png": content}))},
            {"walk": (None, content)},
        ):
            answer = service.http.post("/identify", files=files)
            assert answer.status_code == 422, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert _SECRET not in answer.text
    assert listener.callers == []
    assert service.stored_uploads == []


@pytest.mark.parametrize(
    "header",
    [b"GIF89a", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0AVI ", b"\0\0\0\x18ftypisom", b"%PDF-1.7\n"],
)
def test_files_of_two_kinds_are_refused_as_what_they_begin_as(
    service: LiveService, header: bytes
) -> None:
    """A page of script behind a picture's first bytes, and a whole archive behind them."""
    for rest in (b"<html><script>alert(1)</script></html>", walk_zip(1)):
        answer = service.http.post("/identify", files={"walk": ("x.mp4", header + rest)})
        assert answer.status_code == 422, answer.text
        assert b"script" not in answer.content


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/cron.d/walkprint",
        "/etc/passwd",
        "..\\..\\windows\\win.ini",
        "walk.zip\0.png",
        "walk.zip;rm -rf /",
        "$(touch /tmp/walkprint-was-here).zip",
        "x" * 10_000 + ".zip",
        "walk\r\nSet-Cookie: a=b.zip",
    ],
)
def test_the_name_of_a_file_is_never_a_path(service: LiveService, name: str) -> None:
    before = {path for path in service.settings.data.rglob("*") if path.is_file()}
    answer = service.http.post(
        "/enroll", data={"subject": "named"}, files={"walk": (name, walk_zip(1))}
    )
    after = {path for path in service.settings.data.rglob("*") if path.is_file()}

    assert answer.status_code in (201, 400, 422), answer.text
    assert "set-cookie" not in answer.headers
    assert not {path.name for path in after - before} & {"passwd", "walkprint", "win.ini"}
    assert service.stored_uploads == []
    assert not Path("/tmp/walkprint-was-here").exists()  # noqa: S108 - what must not be there


@pytest.mark.parametrize(
    "subject",
    ["a/../../b", "...", "%2e%2e%2f", "a\\b", "?x=1#y", 'quote"; x="', "ünïcode ☃", "{0}"],
)
def test_an_id_of_any_characters_stays_one_id_in_addresses_and_headers(
    service: LiveService, subject: str
) -> None:
    """Its Location leads to it, and to nothing else."""
    enrolled = service.http.post(
        "/enroll", data={"subject": subject, "gallery": "odd"}, files={"walk": walk_zip(2)}
    )
    assert enrolled.status_code == 201, enrolled.text
    location = enrolled.headers["location"]
    assert location.startswith("/subjects/")
    assert location.count("/") == 2
    assert service.http.get(location).json()["subject"] == subject


@pytest.mark.parametrize("name", [".", "..", " .. "])
def test_a_name_that_an_address_takes_for_a_step_is_refused(
    service: LiveService, name: str
) -> None:
    """Nobody could find or erase such a subject: clients go to the folder above instead."""
    enrolled = service.http.post("/enroll", data={"subject": name}, files={"walk": walk_zip(2)})
    made = service.http.post("/galleries", json={"name": name})

    assert (enrolled.status_code, made.status_code) == (422, 422)


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: stolen=1", "a\nX-Injected: 1", "b\r\n\r\nbody"])
def test_no_text_of_a_caller_becomes_a_header(service: LiveService, text: str) -> None:
    answers = [
        service.http.post("/galleries", json={"name": text}),
        service.http.post("/enroll", data={"subject": text}, files={"walk": walk_zip(1)}),
        service.http.get(f"/subjects/{httpx.URL('/', params={'x': text}).query.decode()[2:]}"),
        service.http.get("/subjects", params={"gallery": text, "cursor": text}),
    ]
    for answer in answers:
        assert answer.status_code in (404, 422), answer.text
        assert not {"set-cookie", "x-injected"} & set(answer.headers)


@pytest.mark.parametrize(
    "deep",
    [
        "[" * 30_000 + "]" * 30_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        '{"metadata":' + "[" * 20_000 + "]" * 20_000 + "}",
        '{"metadata": {"n": ' + "9" * 60_000 + "}}",
        '{"metadata": {"n": 1e400}}',
        '{"metadata": {"n": NaN}}',
        '{"metadata": {"\\ud800": 1}}',
        json.dumps({"metadata": {str(n): n for n in range(6000)}}),
    ],
)
def test_json_that_is_deep_wide_or_odd_is_refused(service: LiveService, deep: str) -> None:
    service.http.post("/enroll", data={"subject": "known"}, files={"walk": walk_zip(1)})

    for method, path in (("PATCH", "/subjects/known"), ("POST", "/galleries")):
        answer = service.http.request(
            method,
            path,
            content=deep.encode("utf-8", "surrogatepass"),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in (400, 413, 422), answer.text[:300]
        assert answer.headers["content-type"] == "application/problem+json"

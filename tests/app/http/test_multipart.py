"""Reading multipart bodies, however the network cuts them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from app.http.multipart import FormLimits, ReceivedForm, receive_form
from app.http.problems import UploadStalled
from app.worker.storage import UploadStorage

BOUNDARY = b"xyz"
# Content that looks like the beginning of a boundary again and again.
TRICKY = b"\r\n--xy\r\n--xyzz\r\n\r\n--x\r\r\n-" * 3
BODY = (
    b'--xyz\r\nContent-Disposition: form-data; name="subject"\r\n\r\nad\xc3\xa9\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="walk"; filename="a \\"b\\".png"\r\n'
    b"Content-Type: image/png\r\n\r\n" + TRICKY + b"\r\n"
    b'--xyz\r\nContent-Disposition: form-data; name="walk"\r\n\r\n\r\n--xyz--\r\nepilogue'
)


def receive(chunks: Iterable[bytes], folder: Path, *, then_silence: bool = False) -> ReceivedForm:
    storage = UploadStorage(folder, "me")
    messages = iter(chunks)

    async def next_message() -> Message:
        chunk = next(messages, None)
        if chunk is None and then_silence:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    scope = {
        "type": "http",
        "method": "POST",
        "headers": [(b"content-type", b"multipart/form-data; boundary=xyz")],
    }
    return asyncio.run(
        receive_form(
            Request(scope, next_message),
            known_fields=frozenset({"subject"}),
            begin=storage.begin,
            limits=FormLimits(body_bytes=10_000, idle_seconds=0.05),
        )
    )


@settings(deadline=None, max_examples=60)
@given(cuts=st.lists(st.integers(1, len(BODY) - 1), unique=True))
def test_a_form_is_the_same_wherever_it_is_cut(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    chunks = [BODY[start:end] for start, end in pairwise(edges)]
    folder = tmp_path_factory.mktemp("uploads")

    form = receive(chunks, folder)

    assert form.fields == {"subject": "adé"}
    assert [part.filename for part in form.media] == ['a "b".png', ""]
    assert [(folder / part.upload.name).read_bytes() for part in form.media] == [TRICKY, b""]


@settings(deadline=None, max_examples=60)
@given(end=st.integers(0, len(BODY) - len(b"--xyz--\r\nepilogue")))
def test_a_form_that_breaks_off_leaves_nothing(
    end: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("uploads")

    with pytest.raises(Exception, match="ends before its closing boundary"):
        receive([BODY[:end]], folder)

    assert list((folder / "me").iterdir()) == []


def test_a_client_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(UploadStalled):
        receive([BODY[:100]], tmp_path, then_silence=True)

    assert list((tmp_path / "me").iterdir()) == []

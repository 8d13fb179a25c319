"""Reads a multipart/form-data body piece by piece: media go straight to storage, fields stay small.

Nothing is collected in memory and every count is bounded, so that a hostile body costs what it
sends and no more. Whoever calls `receive_form` gets either a whole form or an error; after an error
nothing of the upload is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from app.errors import InvalidField, MalformedRequest, UnsupportedMediaType, UploadTooLarge
from app.http.problems import TooManyParts, UploadStalled
from app.worker.storage import UploadFile

MEDIA_FIELD = "walk"


@dataclass(frozen=True, slots=True)
class FormLimits:
    """What one request may hold.

    Attributes:
        body_bytes: the whole body.
        parts: fields and files together; a walk sent frame by frame is one part a frame.
        field_bytes: one text field (metadata may be 16 KiB).
        idle_seconds: longest silence of a client in the middle of its upload.
    """

    body_bytes: int
    parts: int = 5000
    field_bytes: int = 32 * 1024
    idle_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class MediaPart:
    """One file of the form, stored. `filename` is the client's, for ordering frames only."""

    filename: str
    upload: UploadFile


@dataclass(slots=True)
class ReceivedForm:
    """A form as it arrives: text fields by name, media parts in the order they were sent."""

    fields: dict[str, str] = field(default_factory=dict)
    media: list[MediaPart] = field(default_factory=list)

    def discard(self) -> None:
        """Removes everything that was stored."""
        for part in self.media:
            part.upload.discard()


async def receive_form(
    request: Request,
    *,
    known_fields: frozenset[str],
    begin: Callable[[], UploadFile],
    limits: FormLimits,
    media_field: str = MEDIA_FIELD,
) -> ReceivedForm:
    """Reads the body of a request.

    Args:
        request: not read yet.
        known_fields: names of the text fields that may come.
        begin: opens a place in storage for one part.
        limits: refused beyond these.
        media_field: name of the field whose parts are files.

    Raises:
        UnsupportedMediaType: the body is not multipart/form-data.
        UploadTooLarge: announced or found to be over the limit.
        MalformedRequest: the body does not follow the format or ends early.
        InvalidField: an unknown or repeated field, or one that is too long.
        UploadStalled: the client stopped sending.
        Outage: the storage does not take it.
    """
    reader = _FormReader(_boundary(request), known_fields, begin, limits, media_field)
    _check_announced_size(request, limits)
    received_bytes = 0
    try:
        async for chunk in body_chunks(request, limits.idle_seconds):
            received_bytes += len(chunk)
            if received_bytes > limits.body_bytes:
                raise UploadTooLarge(limits.body_bytes)
            reader.feed(chunk)
        form = reader.finish()
        for part in form.media:
            await part.upload.stored()
        return form
    except BaseException:
        reader.form.discard()
        raise


def _boundary(request: Request) -> bytes:
    content_type = request.headers.get("content-type", "")
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        shown = kind.decode("latin-1")[:80] or "nothing"
        raise UnsupportedMediaType(
            f"This call takes multipart/form-data with a boundary; the request says {shown}."
        )
    return boundary


def _check_announced_size(request: Request, limits: FormLimits) -> None:
    announced = request.headers.get("content-length")
    if announced is not None and int(announced) > limits.body_bytes:
        raise UploadTooLarge(limits.body_bytes)


async def body_chunks(request: Request, idle_seconds: float) -> AsyncIterator[bytes]:
    """The body as it arrives; every wait for more of it is bounded.

    Raises:
        UploadStalled: the client stopped sending.
        MalformedRequest: it went away.
    """
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(idle_seconds):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise UploadStalled(f"No data came for {idle_seconds:g} seconds.") from None
        except ClientDisconnect:
            raise MalformedRequest(
                "The connection closed before the upload was complete."
            ) from None
        if chunk is None:
            return
        if chunk:
            yield chunk


class _FormReader:
    """Turns the parser's events into a `ReceivedForm`, checking each limit as it is reached."""

    def __init__(
        self,
        boundary: bytes,
        known_fields: frozenset[str],
        begin: Callable[[], UploadFile],
        limits: FormLimits,
        media_field: str,
    ) -> None:
        self.form = ReceivedForm()
        self._known_fields = known_fields
        self._begin = begin
        self._limits = limits
        self._media_field = media_field
        self._parts = 0
        self._complete = False
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        self._field_name = ""
        self._text: bytearray | None = None
        self._upload: UploadFile | None = None
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise MalformedRequest(f"The multipart boundary cannot be used: {error}.") from None

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MalformedRequest(f"The multipart body is malformed: {error}.") from None

    def finish(self) -> ReceivedForm:
        if not self._complete:
            raise MalformedRequest("The multipart body ends before its closing boundary.")
        return self.form

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > self._limits.parts:
            raise TooManyParts(self._limits.parts)
        self._disposition = b""
        self._header_name = self._header_value = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        # parse_options_header works on latin-1 text; names and file names are sent as UTF-8.
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        if b"name" not in options:
            raise MalformedRequest("A part has no name in its Content-Disposition header.")
        name = options[b"name"].decode("utf-8", "replace")
        if name == self._media_field:
            filename = options.get(b"filename", b"").decode("utf-8", "replace")
            self._upload = self._begin()
            self.form.media.append(MediaPart(filename, self._upload))
            return
        if name not in self._known_fields:
            known = ", ".join(sorted(self._known_fields | {self._media_field}))
            raise InvalidField(name[:64], f"There is no such field. Known fields: {known}.")
        if name in self.form.fields:
            raise InvalidField(name, "This field came twice; send it once.")
        self._field_name = name
        self._text = bytearray()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._upload is not None:
            self._upload.write(memoryview(data)[start:end])
        elif self._text is not None:
            self._text += memoryview(data)[start:end]
            if len(self._text) > self._limits.field_bytes:
                raise InvalidField(
                    self._field_name, f"It is longer than {self._limits.field_bytes} bytes."
                )

    def _on_part_end(self) -> None:
        if self._upload is not None:
            self._upload.close()
            self._upload = None
        elif self._text is not None:
            try:
                self.form.fields[self._field_name] = self._text.decode("utf-8")
            except UnicodeDecodeError:
                raise InvalidField(self._field_name, "It is not valid UTF-8 text.") from None
            self._text = None

    def _on_end(self) -> None:
        self._complete = True

"""Files that strangers made: each is refused with its line, and with bounded memory."""

from __future__ import annotations

import json
import tracemalloc
import zlib
from collections.abc import Iterator

import numpy as np
import pytest

from app.registry import Registry
from app.registry.exchange.lines import MAX_LINE_BYTES
from app.registry.exchange.problems import ImportLineInvalid
from tests.enrolling import CHECKPOINT
from tests.gallery_files import (
    Line,
    base64_of,
    gallery_file,
    gei_png,
    header_line,
    install,
    packed,
    png_of,
    subject_line,
    walk_line,
)

_GREY = b"\x08\0\0\0\0"
_ROWS = zlib.compress(b"\0" * (64 * 45))


def _size(width: int, height: int) -> bytes:
    return width.to_bytes(4, "big") + height.to_bytes(4, "big")


def _vector(*values: float) -> str:
    vector_d = np.zeros(16, dtype="<f4")
    vector_d[: len(values)] = values
    return base64_of(vector_d.tobytes())


def _refused(registry: Registry, *content: Line) -> ImportLineInvalid:
    with pytest.raises(ImportLineInvalid) as refused:
        registry.exchange.import_file("default", [gallery_file(content)])
    assert registry.galleries.get("default").subjects == 0
    return refused.value


@pytest.fixture
def ready(sqlite_url: str) -> Iterator[Registry]:
    """A registry with a checkpoint that serves; what is refused never reaches the database."""
    opened = Registry.open(sqlite_url)
    install(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("vector", "detail"),
    [
        (_vector(float("nan"), 1), "finite values"),
        (_vector(float("inf")), "finite values"),
        (_vector(float("inf"), float("-inf")), "finite values"),
        (_vector(*[3e38] * 16), "finite values"),
        (_vector(), "the length 1"),
        (_vector(1, 0.1), "the length 1"),
        (base64_of(b"\0" * 60), "has 60 bytes; 16 float32 values have 64"),
        ("AAA", "not base64"),
        (None, "must be text"),
    ],
)
def test_embeddings_that_no_checkpoint_makes(
    ready: Registry, vector: str | None, detail: str
) -> None:
    refused = _refused(ready, subject_line("ada"), walk_line(1, embeddings={CHECKPOINT: vector}))

    assert (refused.facts["line"], refused.facts["field"]) == (3, "embeddings")
    assert detail in refused.detail


def test_an_embedding_by_a_checkpoint_that_the_header_does_not_list(ready: Registry) -> None:
    refused = _refused(ready, subject_line("ada"), walk_line(1, embeddings={"other": _vector(1)}))

    assert 'does not list the checkpoint "other"' in refused.detail


@pytest.mark.parametrize(
    ("png", "detail"),
    [
        (b"", "not a whole PNG"),
        (b"GIF89a", "not a whole PNG"),
        (gei_png(1)[:-5], "not a whole PNG"),
        (gei_png(1, height=513), "512 a side"),
        (png_of(_size(2**31, 2**31) + _GREY, _ROWS), "512 a side"),
        (png_of(_size(0, 64) + _GREY, _ROWS), "512 a side"),
        (png_of(_size(44, 64) + b"\x10\0\0\0\0", _ROWS), "8-bit grey"),
        (png_of(_size(44, 64) + b"\x08\2\0\0\0", _ROWS), "8-bit grey"),
        (png_of(_size(44, 64) + b"\x08\0\0\0\1", _ROWS), "8-bit grey"),
        (png_of(_size(44, 63) + _GREY, _ROWS), "does not have the pixels"),
        (png_of(_size(44, 65) + _GREY, _ROWS), "does not have the pixels"),
        (png_of(_size(44, 64) + _GREY, _ROWS + b"more"), "does not have the pixels"),
        (png_of(_size(44, 64) + _GREY, _ROWS[:-4]), "does not have the pixels"),
        (png_of(_size(44, 64) + _GREY, b"no zlib"), "cannot be unpacked"),
        (png_of(_size(44, 64) + _GREY, zlib.compress(b"\5" * 64 * 45)), "no known filter"),
        (png_of(_size(44, 64) + _GREY, _ROWS, (b"tEXt", b"Name\0Ada")), "something besides"),
        (png_of(_size(44, 64) + _GREY, _ROWS, (b"acTL", b"\0" * 8)), "something besides"),
        (gei_png(1)[:40] + b"?" + gei_png(1)[41:], "damaged"),
        (b"\0" * 300_000, "262144 are allowed"),
    ],
)
def test_images_that_are_no_gait_energy_images(ready: Registry, png: bytes, detail: str) -> None:
    refused = _refused(ready, subject_line("ada"), walk_line(1, gei=base64_of(png)))

    assert (refused.facts["line"], refused.facts["field"]) == (3, "gei")
    assert detail in refused.detail


def test_an_image_that_unpacks_without_end_is_unpacked_no_further_than_its_size(
    ready: Registry,
) -> None:
    bomb = png_of(_size(44, 64) + _GREY, zlib.compress(bytes(20_000_000), 9))

    tracemalloc.start()
    refused = _refused(ready, subject_line("ada"), walk_line(1, gei=base64_of(bomb)))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "does not have the pixels" in refused.detail
    assert peak_bytes < 5_000_000


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "../../etc/passwd"}, "id"),
        ({"id": "00000000-0000-4000-8000-00000000000A"}, "id"),
        ({"id": 7}, "id"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"created_at": "2025-01-01T00:00:00"}, "created_at"),
        ({"created_at": "1969-12-31T23:59:59Z"}, "created_at"),
        ({"created_at": "0001-01-01T00:00:00+23:59"}, "created_at"),
        ({"created_at": 1735689600}, "created_at"),
        ({"source": "<script>"}, "source"),
        ({"source": ["file"]}, "source"),
        ({"direction": "up"}, "direction"),
        ({"direction": {}}, "direction"),
        ({"quality": []}, "quality"),
        ({"quality": {"score": "high"}}, "quality"),
        ({"quality": {"score": 1.5}}, "quality"),
        ({"quality": {"score": True}}, "quality"),
        ({"quality": {"text": "\ud800"}}, "quality"),
        ({"quality": {"text": "x" * 20_000}}, "quality"),
        ({"gei": "é"}, "gei"),
        ({"embeddings": []}, "embeddings"),
        ({"surplus": 1}, "surplus"),
    ],
)
def test_walks_with_a_field_that_cannot_be_used(
    ready: Registry, changes: dict[str, object], field: str
) -> None:
    refused = _refused(ready, subject_line("ada"), walk_line(1, **changes))

    assert (refused.facts["line"], refused.facts["field"]) == (3, field)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"subject": "a" * 129}, "subject"),
        ({"subject": "a\u202eb"}, "subject"),
        ({"subject": None}, "subject"),
        ({"name": "x" * 201}, "name"),
        ({"name": 1}, "name"),
        ({"name": "Ada\x1b[2J"}, "name"),
        ({"subject": "ada\x07"}, "subject"),
        ({"metadata": None}, "metadata"),
        ({"metadata": {"x": "y" * 20_000}}, "metadata"),
        ({"kind": "person"}, "kind"),
        ({"id": 1}, "id"),
    ],
)
def test_subjects_with_a_field_that_cannot_be_used(
    ready: Registry, changes: dict[str, object], field: str
) -> None:
    refused = _refused(ready, subject_line("ada", **changes))

    assert (refused.facts["line"], refused.facts["field"]) == (2, field)


@pytest.mark.parametrize(
    "header",
    [
        {"format": "another"},
        {"kind": "subject"},
        {"version": 2},
        {"rules": {}},
        {
            "rules": {
                "walks_per_subject": 0,
                "keep_walks_days": None,
                "keep_subjects_days": None,
            }
        },
        {
            "rules": {
                "walks_per_subject": True,
                "keep_walks_days": None,
                "keep_subjects_days": None,
            }
        },
        {"gallery": "a b"},
        {"checkpoints": [{"id": "x", "embedding_size": 5000}]},
        {"checkpoints": [{"id": "x\n", "embedding_size": 16}]},
        {"checkpoints": [{"id": str(n), "embedding_size": 16} for n in range(17)]},
        {"walks": -1},
        {"surplus": 1},
    ],
)
def test_headers_that_cannot_be_used_make_no_gallery(
    ready: Registry, header: dict[str, object]
) -> None:
    with pytest.raises(ImportLineInvalid) as refused:
        ready.exchange.import_file("default", [gallery_file([], header=header)])

    assert refused.value.facts["line"] == 1
    assert ready.galleries.list() == ()


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"null\n",
        b"[]\n",
        b"\xff\xfe{}\n",
        b'{"kind": NaN}\n',
        b'{"kind": "subject"',
        b"[" * 500_000 + b"\n",
        b'{"x":' * 100_000 + b"\n",
        b"9" * 10_000 + b"\n",
    ],
)
def test_lines_that_are_no_json_objects(ready: Registry, line: bytes) -> None:
    with pytest.raises(ImportLineInvalid) as refused:
        ready.exchange.import_file("default", [packed([header_line([])]) + line])

    assert refused.value.facts["line"] == 2


def test_metadata_nested_without_end_is_refused(ready: Registry) -> None:
    line = json.dumps(subject_line("ada")).replace('"metadata": {}', '"metadata": ' + '{"a":' * 500)
    line = line[: line.index('{"a":' * 500)] + '{"a":' * 500 + "1" + "}" * 500
    line += f', "created_at": "{subject_line("")["created_at"]}", "updated_at": "x"}}'

    with pytest.raises(ImportLineInvalid, match="16 levels"):
        ready.exchange.import_file("default", [packed([header_line([])]) + line.encode() + b"\n"])


def test_a_line_without_end_is_given_up_after_a_mebibyte(ready: Registry) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield packed([header_line([])])
        while True:
            taken += 64 * 1024
            yield b"x" * (64 * 1024)

    tracemalloc.start()
    with pytest.raises(ImportLineInvalid) as refused:
        ready.exchange.import_file("default", endless())
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused.value.facts["line"] == 2
    assert taken <= MAX_LINE_BYTES + 64 * 1024
    assert peak_bytes < 5_000_000


def test_a_walk_before_any_subject_and_anything_after_the_end(ready: Registry) -> None:
    assert "after the line of its subject" in _refused(ready, walk_line(1)).detail
    with pytest.raises(ImportLineInvalid, match="Nothing may follow"):
        ready.exchange.import_file("default", [gallery_file([]) + packed([subject_line("ada")])])

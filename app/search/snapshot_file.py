"""A view of an index as a file: what a start reads instead of a million rows of SQL.

    line "walkprint index" · length of the head, 8 bytes · head as JSON · rows · SHA-256 of all

The rows are, chunk by chunk, template ids, subject numbers (both int64) and vectors (float16 or
float32), little endian, without those of erased templates. With a master key the whole of it is
encrypted (sealed_file.py).

Shape letters: N rows, D embedding size.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from app.registry.sealing import MasterKeys
from app.search.chunk import Chunk
from app.search.sealed_file import NotSealed, SealedReader, SealedWriter
from app.search.view import ChunkView, View

_MAGIC = b"walkprint index\n"
_FORMAT = 1
_MOST_HEAD_BYTES = 1 << 20
_LENGTH_BYTES = 8
_DIGEST_BYTES = hashlib.sha256().digest_size
_ID_BYTES = 8


class Readable(Protocol):
    """An unbuffered file, or one that is decrypted on the way."""

    def read(self, most: int, /) -> bytes | None:
        """So many bytes, or fewer at the end."""

    def readinto(self, target: memoryview, /) -> int | None:
        """Fills the beginning of a buffer; returns how far."""


class UnusableSnapshot(Exception):
    """A file that is torn, damaged, or of another format."""


class SnapshotInterrupted(Exception):
    """Something was erased while a snapshot was being written: it may not be kept."""


@dataclass(frozen=True, slots=True)
class SnapshotHead:
    """What a snapshot is of.

    Attributes:
        epoch: of the database.
        gallery_id: number of the gallery.
        checkpoint_id: whose templates.
        revision: of the gallery.
        subjects: how many there are.
        dimensions: D.
        chunks: rows of each chunk, and whether its vectors are 16-bit floats.
        sum_d: of all vectors.
        format: of the file.
        byte_order: in which the numbers of the chunks are stored, as the machine has them.
    """

    epoch: str
    gallery_id: int
    checkpoint_id: str
    revision: int
    subjects: int
    dimensions: int
    chunks: tuple[tuple[int, bool], ...]
    sum_d: tuple[float, ...]
    format: int = _FORMAT
    byte_order: str = sys.byteorder

    @classmethod
    def of(cls, view: View, *, epoch: str, gallery_id: int, checkpoint_id: str) -> SnapshotHead:
        """Describes a view."""
        return cls(
            epoch=epoch,
            gallery_id=gallery_id,
            checkpoint_id=checkpoint_id,
            revision=view.revision,
            subjects=view.subjects,
            dimensions=len(view.sum_d),
            chunks=tuple((each.living, each.chunk.half) for each in view.chunks if each.living),
            sum_d=tuple(view.sum_d.tolist()),
        )


def write_snapshot(
    file: IO[bytes],
    head: SnapshotHead,
    view: View,
    *,
    keys: MasterKeys | None,
    goes_on: Callable[[], bool],
) -> None:
    """Writes a view.

    Args:
        file: open for writing, at its start.
        head: of the view.
        view: of which nothing is overwritten until this returns.
        keys: encrypt it; None leaves it as it is.
        goes_on: asked before each chunk; False stops the writing.

    Raises:
        SnapshotInterrupted: it was stopped.
    """
    if keys is None:
        _write(file, head, view, goes_on)
    else:
        sealed = SealedWriter(file, keys)
        _write(sealed, head, view, goes_on)
        sealed.finish()


def read_head(path: Path, keys: MasterKeys | None) -> SnapshotHead:
    """Reads what a snapshot is of.

    Args:
        path: of the file.
        keys: as for `read_snapshot`.

    Raises:
        UnusableSnapshot: it has no head of this format.
        OSError: there is none, or it cannot be read.
    """
    with _opened(path, keys) as (file, _):
        return _read_head(file)[0]


def read_snapshot(path: Path, keys: MasterKeys | None = None) -> tuple[SnapshotHead, View]:
    """Reads a snapshot, and proves that every byte is as it was written.

    Args:
        path: of the file.
        keys: one of them encrypted it; None where it is not encrypted.

    Raises:
        UnusableSnapshot: it is torn, damaged, or of another format; or is encrypted when it should
            not be, or is not when it should.
        OSError: there is none, or it cannot be read.
    """
    with _opened(path, keys) as (file, size_bytes):
        head, packed = _read_head(file)
        row_bytes = [
            rows * (2 * _ID_BYTES + head.dimensions * (2 if half else 4))
            for rows, half in head.chunks
        ]
        if size_bytes != len(packed) + sum(row_bytes) + _DIGEST_BYTES:
            raise UnusableSnapshot("it is shorter or longer than its head says")
        digest = hashlib.sha256(packed)
        chunks = []
        for rows, half in head.chunks:
            chunk = Chunk(rows, head.dimensions, half=half)
            for values in (chunk.templates_n, chunk.subjects_n, chunk.vectors_nd):
                _fill(file, _bytes_of(values))
                digest.update(_bytes_of(values))
            chunks.append(ChunkView.of(chunk, rows, np.ones(rows, dtype=np.bool_), rows))
        if file.read(_DIGEST_BYTES) != digest.digest():
            raise UnusableSnapshot("its checksum is another")
    view = View(
        head.revision, tuple(chunks), head.subjects, 0, np.array(head.sum_d, dtype=np.float64)
    )
    return head, view


@contextmanager
def _opened(path: Path, keys: MasterKeys | None) -> Iterator[tuple[Readable, int]]:
    """The content of a file to be read, and its length in bytes."""
    # Unbuffered: rows are read straight into their arrays.
    with path.open("rb", buffering=0) as file:
        size_bytes = path.stat().st_size
        if keys is None:
            yield file, size_bytes
            return
        try:
            sealed = SealedReader(file, keys, size_bytes)
            yield sealed, sealed.size_bytes
        except NotSealed as error:
            raise UnusableSnapshot(str(error)) from error


def _write(
    file: IO[bytes] | SealedWriter, head: SnapshotHead, view: View, goes_on: Callable[[], bool]
) -> None:
    digest = hashlib.sha256()

    def put(data: bytes | memoryview) -> None:
        digest.update(data)
        file.write(data)

    packed = json.dumps(asdict(head)).encode()
    put(_MAGIC + len(packed).to_bytes(_LENGTH_BYTES, "little") + packed)
    for each in view.chunks:
        if not goes_on():
            raise SnapshotInterrupted
        if each.living == 0:
            continue
        whole = each.living == each.size
        rows = slice(0, each.size) if whole else each.living_rows()
        for values in (each.chunk.templates_n, each.chunk.subjects_n, each.chunk.vectors_nd):
            put(_bytes_of(values[rows]))
    file.write(digest.digest())


def _read_head(file: Readable) -> tuple[SnapshotHead, bytes]:
    start = file.read(len(_MAGIC) + _LENGTH_BYTES) or b""
    length = int.from_bytes(start[len(_MAGIC) :], "little")
    if not start.startswith(_MAGIC) or length > _MOST_HEAD_BYTES:
        raise UnusableSnapshot("it does not begin as a snapshot does")
    packed = file.read(length) or b""
    try:
        fields = json.loads(packed)
        if fields["format"] != _FORMAT:
            raise UnusableSnapshot(f"its format is {fields['format']}, not {_FORMAT}")
        fields["chunks"] = tuple((int(rows), bool(half)) for rows, half in fields["chunks"])
        fields["sum_d"] = tuple(fields["sum_d"])
        head = SnapshotHead(**fields)
    except (ValueError, KeyError, TypeError) as error:
        raise UnusableSnapshot("its head cannot be read") from error
    if head.byte_order != sys.byteorder:
        raise UnusableSnapshot(f"another kind of machine wrote it ({head.byte_order}-endian)")
    if len(head.sum_d) != head.dimensions:
        raise UnusableSnapshot("its head contradicts itself")
    return head, start + packed


def _bytes_of(values: NDArray[np.generic]) -> memoryview:
    return values.reshape(-1).view(np.uint8).data


def _fill(file: Readable, target: memoryview) -> None:
    while len(target):
        # Straight into the array.
        read = file.readinto(target)
        if not read:
            raise UnusableSnapshot("it ends too soon")
        target = target[read:]

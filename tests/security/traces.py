"""Looking for what is left of a person, byte by byte: in files, and in the memory of a process.

A trace counts as found when any piece of it is there: pieces are cut out of it one after the other,
and looked for at every offset. So half a picture, or a part of a vector, is a finding too.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_PIECE_BYTES: Final = 16
_FLOAT16_PIECE_BYTES: Final = 8
"""Four values; of 32-bit floats four are 16 bytes."""
_HEAD_BYTES: Final = 8
"""Of a piece, by which it is looked up; texts are longer."""
_FEWEST_DIFFERENT_BYTES: Final = 5
"""A piece of black or of one grey is in every picture and says nothing."""
_PNG_DATA: Final = b"IDAT"
_AT_ONCE_BYTES: Final = 8 << 20
_MAPPING: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw.. \S+ \S+ \S+ *(.*)")

Pieces = Mapping[str, Sequence[bytes]]


def text_traces(kind: str, text: str) -> dict[str, list[bytes]]:
    """A text as files may hold it: UTF-8, escaped in JSON, escaped in an address."""
    forms = {text, json.dumps(text)[1:-1], quote(text, safe="")}
    return {kind: [form.encode() for form in sorted(forms)]}


def picture_traces(kind: str, png: bytes) -> dict[str, list[bytes]]:
    """A picture: its file without the head that all have, and its pixels."""
    pixels_hw = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels_hw is not None
    return {
        f"{kind}, file": _cut(png[png.index(_PNG_DATA) + 16 : -16], _PIECE_BYTES),
        f"{kind}, pixels": _cut(pixels_hw.tobytes(), _PIECE_BYTES),
    }


def vector_traces(kind: str, vector_d: NDArray[np.float32]) -> dict[str, list[bytes]]:
    """A template: as 32-bit and as 16-bit floats, little endian."""
    return {
        f"{kind}, float32": _cut(vector_d.astype("<f4").tobytes(), _PIECE_BYTES),
        f"{kind}, float16": _cut(vector_d.astype("<f2").tobytes(), _FLOAT16_PIECE_BYTES),
    }


class Search:
    """Looks for many pieces at once.

    Args:
        pieces: of each kind of trace.
    """

    def __init__(self, pieces: Pieces) -> None:
        self._kinds: dict[bytes, set[str]] = defaultdict(set)
        for kind, each in pieces.items():
            for piece in each:
                self._kinds[piece].add(kind)
        by_length: dict[int, list[bytes]] = defaultdict(list)
        for piece in self._kinds:
            by_length[len(piece)].append(piece[:_HEAD_BYTES])
        self._heads = {
            length: np.unique(np.frombuffer(b"".join(heads), np.uint64))
            for length, heads in by_length.items()
        }
        self._longest = max(by_length)
        # Which two bytes a piece may begin with, and go on with: nearly all places are ruled out
        # by two looks.
        self._begins, self._goes_on = (np.zeros(1 << 16, dtype=bool) for _ in range(2))
        for piece in self._kinds:
            self._begins[int.from_bytes(piece[:2], "little")] = True
            self._goes_on[int.from_bytes(piece[2:4], "little")] = True

    def kinds_in(self, content: bytes) -> set[str]:
        """Which kinds of trace are in some bytes."""
        found: set[str] = set()
        # Twice: words that begin at even places, and at odd ones.
        for shift in (0, 1):
            words = np.frombuffer(content, "<u2", (len(content) - shift) // 2, shift)
            likely = self._begins[words[:-1]] & self._goes_on[words[1:]]
            places = 2 * np.flatnonzero(likely) + shift
            for length in self._heads:
                inside = places[places + length <= len(content)]
                if len(inside):
                    found |= self._found_at(content, inside, length)
        return found

    def kinds_in_file(self, path: Path) -> set[str]:
        """Which kinds of trace are in a file, or in its name; none when it is gone by now."""
        found = self.kinds_in(str(path).encode() + bytes(self._longest))
        try:
            with path.open("rb") as file:
                overlap = b""
                while block := file.read(_AT_ONCE_BYTES):
                    content = overlap + block
                    found |= self.kinds_in(content)
                    overlap = content[-self._longest :]
        except FileNotFoundError:
            return found
        return found

    def kinds_in_folders(self, folders: Iterable[Path]) -> dict[str, set[str]]:
        """Which kinds of trace are in which files, by the end of their path."""
        found: dict[str, set[str]] = {}
        for path in (path for folder in folders for path in sorted(folder.rglob("*"))):
            if path.is_file() and (kinds := self.kinds_in_file(path)):
                found["/".join(path.parts[-2:])] = kinds
        return found

    def kinds_in_memory(self, pid: int) -> set[str]:
        """Which kinds of trace are in the memory that a running process can write to."""
        found: set[str] = set()
        for block in _memory(pid):
            found |= self.kinds_in(block)
        return found

    def _found_at(self, content: bytes, places: NDArray[np.int64], length: int) -> set[str]:
        """The kinds of the pieces of one length that begin at some places."""
        bytes_n = np.frombuffer(content, np.uint8)
        heads_m = _words(sliding_window_view(bytes_n, _HEAD_BYTES)[places])
        wanted = self._heads[length]
        order = np.minimum(np.searchsorted(wanted, heads_m), len(wanted) - 1)
        found = {
            content[place : place + length] for place in places[wanted[order] == heads_m].tolist()
        }
        return {kind for piece in found & self._kinds.keys() for kind in self._kinds[piece]}


def _words(heads_nb: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(N,), from (N, 8)."""
    return np.ascontiguousarray(heads_nb).view(np.uint64)[:, 0]


def _cut(content: bytes, length: int) -> list[bytes]:
    starts = range(0, len(content) - length + 1, length)
    pieces = (content[start : start + length] for start in starts)
    return [
        piece
        for piece in pieces
        if piece[0] != piece[1] and len(set(piece)) >= _FEWEST_DIFFERENT_BYTES
    ]


def _memory(pid: int) -> Iterator[bytes]:
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for match in filter(None, map(_MAPPING.match, maps)):
            start, end = int(match[1], 16), int(match[2], 16)
            for address in range(start, end, _AT_ONCE_BYTES):
                try:
                    memory.seek(address)
                    yield memory.read(min(_AT_ONCE_BYTES, end - address) or 0)
                except OSError:  # given back to the system since the list was made
                    break

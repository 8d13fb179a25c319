"""A gallery file, as it arrives, becomes numbered lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.errors import InvalidField
from app.registry.exchange.lines import MAX_LINE_BYTES


def numbered_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines without their line feed, counted from 1; of the last one it may be missing.

    Args:
        chunks: of any size; not more than one line is kept.

    Raises:
        LineTooLong: before more of that line is taken.
    """
    number = 1
    begun: list[bytes] = []
    begun_bytes = 0
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = b"".join((*begun, end)) if begun else end
            if len(line) > MAX_LINE_BYTES:
                raise LineTooLong(number)
            yield number, line
            number += 1
            begun, begun_bytes = [], 0
        if rest:
            begun.append(rest)
            begun_bytes += len(rest)
        if begun_bytes > MAX_LINE_BYTES:
            raise LineTooLong(number)
    if begun:
        yield number, b"".join(begun)


class LineTooLong(InvalidField):
    """A line is longer than any that an export writes; `line` is its number."""

    def __init__(self, line: int) -> None:
        super().__init__("line", f"It has more than {MAX_LINE_BYTES} bytes.")
        self.line = line

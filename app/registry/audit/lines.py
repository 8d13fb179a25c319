"""The log as a file of JSON lines: first what it is, then each entry, last the signed end.

What was hashed stands in the file as a text of its own, so that it can be checked byte for byte by
any program in any language.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from app.registry.audit.entry import Head, StoredEntry
from app.registry.audit.verifying import Log

_FIRST: Final = {"format": "walkprint-audit", "version": 1}


class NoAuditFile(Exception):
    """Not a file that `walkprint audit export` wrote; the message says which line is wrong."""


def log_lines(log: Log) -> Iterator[str]:
    """The lines of a file, each with its line feed."""
    yield _line_of(None)
    for entry in log.entries():
        yield _line_of(entry)
    if log.head is not None:
        yield _line_of(log.head)


class AuditFile:
    """A file being read once, from the first line to the last.

    Args:
        lines: of the file.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self._head: Head | None = None

    @property
    def head(self) -> Head | None:
        """The signed end; None until the last line was read, or when there is none."""
        return self._head

    def entries(self) -> Iterator[StoredEntry]:
        """The entries, in the order of the file.

        Raises:
            NoAuditFile: a line is something else.
        """
        number = 0
        for number, line in enumerate(self._lines, start=1):
            try:
                found = _read(line)
                # One way to write it, so that no change of a file goes unseen; the end comes last.
                _require((found is None) == (number == 1) and self._head is None)
                _require(_line_of(found).rstrip("\n") == line.rstrip("\n"))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise NoAuditFile(
                    f"Line {number} is none of an audit log that Walkprint exported."
                ) from error
            if isinstance(found, StoredEntry):
                yield found
            else:
                self._head = found
        if number == 0:
            raise NoAuditFile("The file is empty.")


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError


def _read(line: str) -> StoredEntry | Head | None:
    """What a line holds; None of the first one."""
    fields = json.loads(line)
    if "entry" in fields:
        return StoredEntry(int(fields["seq"]), str(fields["entry"]), bytes.fromhex(fields["hash"]))
    if "head" not in fields:
        return None
    head = fields["head"]
    signature = head["signature"]
    return Head(
        seq=int(head["seq"]),
        hash=bytes.fromhex(head["hash"]),
        signature=None if signature is None else bytes.fromhex(signature),
        signer=head["signer"],
    )


def _line_of(value: StoredEntry | Head | None) -> str:
    if value is None:
        return _packed(_FIRST)
    if isinstance(value, StoredEntry):
        return _packed({"seq": value.seq, "entry": value.text, "hash": value.hash.hex()})
    head = {
        "seq": value.seq,
        "hash": value.hash.hex(),
        "signature": None if value.signature is None else value.signature.hex(),
        "signer": value.signer,
    }
    return _packed({"head": head})


def _packed(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, separators=(",", ":")) + "\n"

"""Checking the log: every entry is there, as it was written, in its place, up to the signed end.

Needs the entries, the head and the service's public key, and nothing else: an exported log can be
checked on another machine (`lines.py`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from app.registry.audit.entry import NOTHING, Head, StoredEntry, chained, head_of_another_key
from app.registry.signing import PublicKey

Fault: TypeAlias = Literal[
    "edited", "missing", "out of order", "cut off", "added", "signature", "another history"
]


class LogBroken(Exception):
    """The log is not what was written; the message says where it breaks first.

    Attributes:
        fault: what is wrong.
        seq: number of the first entry that is not as it was written.
    """

    def __init__(self, fault: Fault, seq: int, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.seq = seq


@dataclass(frozen=True, slots=True)
class Anchor:
    """An end of the log as it was noted down earlier, elsewhere.

    Attributes:
        seq: number of what was the last entry.
        hash: its hash, 32 bytes.
    """

    seq: int
    hash: bytes

    @classmethod
    def parse(cls, text: str) -> Anchor:
        """Reads `SEQ:HASH`, the hash in hex.

        Raises:
            ValueError: it is something else.
        """
        seq, _, hex_hash = text.partition(":")
        anchor = cls(int(seq), bytes.fromhex(hex_hash))
        if anchor.seq < 1 or len(anchor.hash) != len(NOTHING):
            raise ValueError(text)
        return anchor

    def __str__(self) -> str:
        """`SEQ:HASH`."""
        return f"{self.seq}:{self.hash.hex()}"


class Log(Protocol):
    """A whole log: that of a database (`log.py`), or of a file (`lines.py`)."""

    @property
    def head(self) -> Head | None:
        """Its end, known once all entries were read; None where there is none."""

    def entries(self) -> Iterator[StoredEntry]:
        """All entries, in the order in which they are kept; to be read once."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A log that is whole.

    Attributes:
        entries: how many it has.
        end: to be noted down elsewhere: a later check can prove that the log goes on from here.
        signer: fingerprint of the key that signed the end.
        earlier_signers: of other keys that were trusted and signed an end before.
    """

    entries: int
    end: Anchor
    signer: str
    earlier_signers: tuple[str, ...]


def verify(log: Log, keys: Collection[PublicKey], *, since: Anchor | None = None) -> Verified:
    """Checks a whole log, one entry after the other.

    Args:
        log: all of it.
        keys: whose signatures are trusted: the service's key, and earlier ones it may have had.
        since: an end that was noted down earlier; None to check the log by itself only.

    Raises:
        LogBroken: with the first fault.
    """
    end = Anchor(0, NOTHING)
    earlier: list[str] = []
    for entry in log.entries():
        _check_place(entry, end.seq + 1)
        fields = _check_text(entry, end.hash)
        signer = _check_earlier_head(entry.seq, fields, end, keys)
        if signer is not None and signer not in earlier:
            earlier.append(signer)
        end = Anchor(entry.seq, entry.hash)
        if since is not None and since.seq == end.seq and since != end:
            raise LogBroken(
                "another history",
                end.seq,
                f"Entry {end.seq} is not the one that was the end when it was noted down: the log"
                " was rewritten, or set back to an older copy and gone on with.",
            )
    if since is not None and since.seq > end.seq:
        raise LogBroken(
            "cut off",
            end.seq + 1,
            f"The log ends at entry {end.seq}; entry {since.seq} was there when its end was noted"
            " down.",
        )
    signed = _check_end(end, log.head, keys)
    return Verified(end.seq, end, signed, tuple(each for each in earlier if each != signed))


def _check_place(entry: StoredEntry, expected: int) -> None:
    if entry.seq == expected:
        return
    if entry.seq < expected:
        raise LogBroken("out of order", expected, f"After entry {expected - 1} comes {entry.seq}.")
    what = f"Entry {expected} is"
    if entry.seq - expected > 1:
        what = f"Entries {expected} to {entry.seq - 1} are"
    raise LogBroken("missing", expected, f"{what} missing.")


def _check_text(entry: StoredEntry, before: bytes) -> dict[str, object]:
    """The entry's fields, when its text belongs here."""
    fields = _fields_of(entry.text)
    if fields.get("seq") not in (None, entry.seq):
        raise LogBroken(
            "out of order",
            entry.seq,
            f"In the place of entry {entry.seq} stands the text of entry {fields['seq']}.",
        )
    if fields.get("seq") is None or chained(before, entry.text) != entry.hash:
        raise LogBroken(
            "edited",
            entry.seq,
            f"Entry {entry.seq} does not fit its hash and the one before: it was changed after it"
            " was written.",
        )
    return fields


def _fields_of(text: str) -> dict[str, object]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _check_earlier_head(
    seq: int, fields: dict[str, object], before: Anchor, keys: Collection[PublicKey]
) -> str | None:
    """Where the service itself met an end that its key had not signed: whether another one had."""
    try:
        head = head_of_another_key(fields, before.hash)
    except (KeyError, TypeError, ValueError) as error:
        raise LogBroken("edited", seq, f"Entry {seq} is none that the service writes.") from error
    if head is None:
        return None
    if head.seq == before.seq and any(head.is_signed_by(key) for key in keys):
        return head.signer
    signed_by = "by nobody" if head.signer is None else f"by the key {head.signer}"
    raise LogBroken(
        "signature",
        before.seq,
        f"What stands up to entry {before.seq} was signed {signed_by}, which is not trusted here:"
        f" the service wrote down so in entry {seq}. If its key was replaced then, give the earlier"
        " public key as well.",
    )


def _check_end(end: Anchor, head: Head | None, keys: Collection[PublicKey]) -> str:
    if head is None and end.seq == 0:
        raise LogBroken(
            "missing", 1, "The log is empty: no service has run on this database, or all is gone."
        )
    if head is None:
        raise LogBroken("signature", end.seq, "The signed end of the log is missing.")
    if not any(head.is_signed_by(key) for key in keys):
        how = "not signed" if head.signature is None else f"not validly signed (key {head.signer})"
        raise LogBroken("signature", head.seq, f"The end of the log, entry {head.seq}, is {how}.")
    if head.seq > end.seq:
        raise LogBroken(
            "cut off",
            end.seq + 1,
            f"The log ends at entry {end.seq}; its end was signed at entry {head.seq}.",
        )
    if head.seq < end.seq:
        raise LogBroken(
            "added",
            head.seq + 1,
            f"The log was signed up to entry {head.seq}; what follows was added by somebody else.",
        )
    if head.hash != end.hash:
        raise LogBroken(
            "another history",
            end.seq,
            f"Entry {end.seq} is not the one that was signed: the log was rewritten.",
        )
    if head.signer is None:
        raise LogBroken("signature", head.seq, "The end of the log is not signed.")
    return head.signer

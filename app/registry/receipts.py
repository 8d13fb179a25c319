"""Receipts of erasures: signed statements that anybody can check without the service.

A receipt names whom it is about, so nobody but the caller has one: it is kept nowhere. What is
signed is the statement as JSON with sorted keys, no spaces, in UTF-8.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.registry.erasure import Erasure
from app.registry.signing import PublicKey, Signer

_KIND: Final = "walkprint erasure receipt"
_VERSION: Final = 1
_ID_BYTES: Final = 16

DONE: Final = ("rows", "searches", "snapshots", "uploads")
"""What is true when a receipt is given, word by word as `DONE_IN_WORDS` says."""

DONE_IN_WORDS: Final = {
    "rows": "deleted from the database: what was stored of them, and every job that names them",
    "searches": "no search that begins later finds them",
    "snapshots": "snapshots of indexes that held them are deleted",
    "uploads": "recordings that waited for a job about them are deleted",
}


class NotAReceipt(Exception):
    """Some content is no receipt of an erasure; the message says what it lacks."""


class ReceiptNotGenuine(Exception):
    """A receipt that the owner of a key did not give like this; the message says why."""


@dataclass(frozen=True, slots=True)
class Following:
    """What an erasure leaves to be done, and by when.

    Attributes:
        what: short name.
        words: the same for people.
        within_seconds: while a service runs on the database; None where its operator does it.
    """

    what: str
    words: str
    within_seconds: int | None


_NEIGHBOURS = Following(
    "neighbours", "other processes of the service drop the vectors from their memory", 5
)
_FILE = Following(
    "file", "the database file is rewritten, so that no older copy lies between its rows", 600
)
_SERVER = Following(
    "server",
    "old versions of rows and the write-ahead log leave the disk of the database server when it is"
    " vacuumed in full and the log recycled",
    None,
)
_COLLECTION = Following(
    "collection", "the vectors are deleted from their collection in Milvus, once it answers", 5
)
_SEGMENTS = Following(
    "segments",
    "deleted vectors, which no search finds, leave the disks of Milvus when it has compacted its"
    " segments and collected its garbage, and its log is recycled",
    None,
)
_COPIES = Following(
    "copies", "backups, replicas and exported files are for those who keep them to erase", None
)


def following(*, embedded: bool, in_milvus: bool = False) -> tuple[Following, ...]:
    """What an erasure leaves to be done.

    Args:
        embedded: the database is a SQLite file of the service's own.
        in_milvus: vectors are in a Milvus, too.
    """
    index = (_COLLECTION, _SEGMENTS) if in_milvus else ()
    return (_NEIGHBOURS, _FILE if embedded else _SERVER, *index, _COPIES)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A signed statement.

    Attributes:
        statement: JSON object; docs/erasure.md lists its members.
        signer: fingerprint of the key that signed.
        signature: 64 bytes.
    """

    statement: Mapping[str, Any]
    signer: str
    signature: bytes

    def to_json(self) -> dict[str, object]:
        """The receipt as callers get it."""
        return {
            "statement": dict(self.statement),
            "signer": self.signer,
            "signature": self.signature.hex(),
        }

    @classmethod
    def read(cls, document: object) -> Receipt:
        """A receipt, or an answer of the service that has one under `receipt`.

        Raises:
            NotAReceipt: it is neither.
        """
        if isinstance(document, Mapping) and isinstance(document.get("receipt"), Mapping):
            document = document["receipt"]
        if not isinstance(document, Mapping) or not isinstance(document.get("statement"), Mapping):
            raise NotAReceipt("It has no statement.")
        statement = document["statement"]
        if (statement.get("kind"), statement.get("version")) != (_KIND, _VERSION):
            raise NotAReceipt("Its statement is no receipt of an erasure, or of a later version.")
        try:
            signature = bytes.fromhex(document["signature"])
        except (KeyError, TypeError, ValueError):
            raise NotAReceipt("It has no signature in hexadecimal.") from None
        return cls(statement, str(document.get("signer")), signature)

    def require_genuine(self, key: PublicKey) -> None:
        """Makes sure that the owner of a key has given this receipt, as it is.

        Raises:
            ReceiptNotGenuine: it was changed, or another key signed it.
        """
        if self.signer != key.fingerprint:
            raise ReceiptNotGenuine(
                f"It was signed by the key {self.signer}, and this one is {key.fingerprint}."
            )
        if not key.verifies("erasure-receipt", _signed(self.statement), self.signature):
            raise ReceiptNotGenuine("It was changed after it was signed.")


class Receipts:
    """Gives receipts.

    Args:
        signer: the service's own key.
        service: name and version of what erases.
        following: what is left to be done after each erasure.
    """

    def __init__(self, signer: Signer, *, service: str, following: Sequence[Following]) -> None:
        self._signer = signer
        self._service = service
        self._following = tuple(following)

    def of(self, erasure: Erasure) -> Receipt:
        """The receipt of an erasure, once all in `DONE` is true of it.

        Args:
            erasure: committed.

        Raises:
            ValueError: it is not in the audit log.
        """
        if erasure.entry is None:
            raise ValueError("an erasure that was not committed gets no receipt")
        statement = {
            "kind": _KIND,
            "version": _VERSION,
            "id": secrets.token_hex(_ID_BYTES),
            "gallery": erasure.gallery,
            "subject": erasure.subject,
            "walk": erasure.walk,
            "counts": {
                "subjects": erasure.subjects,
                "walks": erasure.walks,
                "templates": erasure.templates,
                "jobs": len(erasure.jobs),
                "uploads": len(erasure.uploads),
            },
            "gallery_revision": erasure.revision,
            "erased_at": json.loads(erasure.entry.text)["time"],
            "service": self._service,
            "audit": {"seq": erasure.entry.seq, "hash": erasure.entry.hash.hex()},
            "done": list(DONE),
            "follows": [
                {"what": each.what, "words": each.words, "within_seconds": each.within_seconds}
                for each in self._following
            ],
        }
        signature = self._signer.sign("erasure-receipt", _signed(statement))
        return Receipt(statement, self._signer.public.fingerprint, signature)


def _signed(statement: Mapping[str, Any]) -> bytes:
    """The bytes that are signed.

    Raises:
        ReceiptNotGenuine: no service signs such a statement.
    """
    try:
        text = json.dumps(
            statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        return text.encode()
    except (ValueError, TypeError):  # not-a-number, half a character
        raise ReceiptNotGenuine("It was changed after it was signed.") from None

"""One entry of the log as text, and the chain that holds entries together.

hash(n) = SHA-256(hash(n - 1) ‖ entry(n)), hash(0) = 32 zero bytes. The end is signed: seq as 8
bytes, big endian, and the hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.registry.audit.actions import Action, Detail
from app.registry.signing import PublicKey, Signer

NOTHING: Final = bytes(32)
"""The hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain.

    Attributes:
        seq: number of the last entry, 0 before the first.
        hash: 32 bytes: that of the last entry.
        signature: 64 bytes over both; None where whoever wrote it had no key.
        signer: fingerprint of the key that signed; None likewise.
    """

    seq: int
    hash: bytes
    signature: bytes | None
    signer: str | None

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the owner of a key says that the log ends here."""
        return (
            self.signer == key.fingerprint
            and self.signature is not None
            and key.verifies("audit-head", _message(self.seq, self.hash), self.signature)
        )


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One row of the log.

    Attributes:
        seq: its number, from 1 on without gaps.
        text: what was hashed: JSON with seq, time, actor, action and details, sorted keys, no
            spaces, ASCII.
        hash: 32 bytes: of the hash before, and the text.
    """

    seq: int
    text: str
    hash: bytes


def signed_head(seq: int, chain_hash: bytes, signer: Signer | None) -> Head:
    """The head after an entry, signed where there is a key."""
    if signer is None:
        return Head(seq, chain_hash, None, None)
    signature = signer.sign("audit-head", _message(seq, chain_hash))
    return Head(seq, chain_hash, signature, signer.public.fingerprint)


def chained(before: bytes, text: str) -> bytes:
    """The hash of an entry, 32 bytes, from the hash before it and its text."""
    return hashlib.sha256(before + text.encode()).digest()


def entry_text(
    seq: int, time: datetime, actor: str, action: Action, details: Mapping[str, Detail]
) -> str:
    """An entry as it is stored, hashed and exported.

    Args:
        seq: its number.
        time: in UTC.
        actor: who did it, as `app.registry.acting.actor` names callers.
        action: what was done.
        details: to what; see `Detail` for what must not be in it.

    Raises:
        TypeError: a detail is a float or bytes: scores and vectors are no business of the log.
    """
    for name, value in details.items():
        if isinstance(value, float | bytes):
            raise TypeError(f"{name}: {type(value).__name__} cannot be a detail of the audit log")
    return json.dumps(
        {
            "seq": seq,
            "time": time.isoformat(timespec="microseconds"),
            "actor": actor,
            "action": action,
            "details": details,
        },
        sort_keys=True,
        separators=(",", ":"),
        allow_nan=False,
    )


def about_another_key(head: Head) -> dict[str, Detail]:
    """The details of `audit.head_not_ours`: the chain so far is not vouched for by the present key.

    It was forged, or the key was replaced. With the signature that was found, whoever has the
    earlier public key can tell the two apart.
    """
    found = None if head.signature is None else head.signature.hex()
    return {"seq": head.seq, "signature": found, "signer": head.signer}


def head_of_another_key(fields: Mapping[str, object], before: bytes) -> Head | None:
    """The head that an entry says was not signed by the present key; None of any other entry.

    Args:
        fields: of the entry.
        before: the hash before it, which that head named.

    Raises:
        KeyError, TypeError, ValueError: no service has written it like this.
    """
    details = fields.get("details")
    if fields.get("action") != "audit.head_not_ours" or not isinstance(details, dict):
        return None
    signature = details.get("signature")
    return Head(
        seq=int(details["seq"]),
        hash=before,
        signature=None if signature is None else bytes.fromhex(signature),
        signer=details.get("signer"),
    )


def _message(seq: int, chain_hash: bytes) -> bytes:
    return seq.to_bytes(8, "big") + chain_hash

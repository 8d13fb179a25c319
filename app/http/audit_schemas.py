"""The audit log as answers."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.registry.audit.entry import Head, StoredEntry
from app.registry.audit.log import LogPage

_HASH = "SHA-256 of the hash before and the text, hex."


class AuditEntry(BaseModel):
    """What somebody did."""

    seq: Annotated[int, Field(description="From 1 on, without gaps.")]
    time: datetime
    actor: Annotated[str, Field(description="`key:…`, `oidc:…`, `open`, `cli:…` or `system`.")]
    action: str
    details: Annotated[
        dict[str, Any],
        Field(description="Numbers of galleries and subjects, counts: nothing personal."),
    ]
    text: Annotated[str, Field(description="The same, as it was hashed, byte for byte.")]
    hash: Annotated[str, Field(description=_HASH)]

    @classmethod
    def of(cls, entry: StoredEntry) -> AuditEntry:
        return cls(text=entry.text, hash=entry.hash.hex(), **json.loads(entry.text))


class AuditHead(BaseModel):
    """The end of the log. Noted down elsewhere, it proves later that nothing before was changed."""

    seq: int
    hash: str
    signature: Annotated[
        str | None,
        Field(
            description="Hex Ed25519 signature of `walkprint/audit-head`, a zero byte, seq as 8"
            " bytes (big endian) and the hash."
        ),
    ]
    signer: Annotated[str | None, Field(description="SHA-256 of the public key, hex.")]

    @classmethod
    def of(cls, head: Head) -> AuditHead:
        return cls(
            seq=head.seq,
            hash=head.hash.hex(),
            signature=None if head.signature is None else head.signature.hex(),
            signer=head.signer,
        )


class AuditPage(BaseModel):
    """Some entries, and the end of the log at the same instant."""

    entries: list[AuditEntry]
    next_after: Annotated[
        int | None,
        Field(
            description="`after` of the following page; null on the last one. A page of a search"
            " may be short, or empty, although more follow."
        ),
    ]
    head: AuditHead | None

    @classmethod
    def of(cls, page: LogPage) -> AuditPage:
        return cls(
            entries=[AuditEntry.of(each) for each in page.entries],
            next_after=page.next_after,
            head=None if page.head is None else AuditHead.of(page.head),
        )

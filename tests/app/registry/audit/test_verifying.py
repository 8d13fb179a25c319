"""Whatever is done to the log in the real tables is found, and where it begins."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.registry import Registry
from app.registry.audit.entry import Head, signed_head
from app.registry.audit.lines import AuditFile, NoAuditFile, log_lines
from app.registry.audit.verifying import Anchor, LogBroken, Verified, verify
from app.registry.signing import PublicKey, Signer, open_signer
from tests.app.registry.audit.conftest import Forge
from tests.app.registry.conftest import Clock


def check(registry: Registry, *keys: PublicKey, since: Anchor | None = None) -> Verified:
    """Checks the log as it stands in the database."""
    with registry.audit.whole() as log:
        return verify(log, keys, since=since)


def fault_of(registry: Registry, signer: Signer) -> tuple[str, int]:
    """What is wrong with the log, and from which entry on."""
    with pytest.raises(LogBroken) as broken:
        check(registry, signer.public)
    return broken.value.fault, broken.value.seq


def rebuild(database_url: str, forge: Forge, *, signer: Signer | None = None) -> None:
    """Makes the chain of whatever texts there are, and a head, as a forger would."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT seq, entry FROM audit ORDER BY seq")).all()
    engine.dispose()
    before = bytes(32)
    for row in rows:
        before = hashlib.sha256(before + row.entry.encode()).digest()
        forge("UPDATE audit SET hash = :hash WHERE seq = :seq", hash=before, seq=row.seq)
    forge("UPDATE audit_head SET seq = :seq, hash = :hash", seq=rows[-1].seq, hash=before)
    if signer is not None:
        head = signed_head(rows[-1].seq, before, signer)
        forge(
            "UPDATE audit_head SET signature = :signature, signer = :signer",
            signature=head.signature,
            signer=head.signer,
        )


def test_an_untouched_log_is_whole(signed: Registry, signer: Signer) -> None:
    found = check(signed, signer.public)

    head = signed.audit.head()
    assert head is not None
    assert (found.entries, found.signer) == (8, signer.public.fingerprint)
    assert found.end == Anchor(8, head.hash) == Anchor.parse(str(found.end))


@pytest.mark.parametrize("field", ["seq", "time", "actor", "action", "details"])
@pytest.mark.parametrize("seq", [1, 4, 8])
def test_an_edited_field_is_found(
    signed: Registry, signer: Signer, forge: Forge, database_url: str, field: str, seq: int
) -> None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        entry = connection.execute(
            text("SELECT entry FROM audit WHERE seq = :seq"), {"seq": seq}
        ).scalar_one()
    engine.dispose()
    fields = json.loads(entry)
    changed = {"seq": 99, "details": {"subject": 99}}.get(field, f"{fields[field]}x")
    edited = json.dumps(fields | {field: changed}, sort_keys=True, separators=(",", ":"))
    forge("UPDATE audit SET entry = :edited WHERE seq = :seq", edited=edited, seq=seq)

    expected = "out of order" if field == "seq" else "edited"
    assert fault_of(signed, signer) == (expected, seq)


@pytest.mark.parametrize("seq", [1, 4, 8])
def test_an_edited_hash_is_found(signed: Registry, signer: Signer, forge: Forge, seq: int) -> None:
    forge("UPDATE audit SET hash = :hash WHERE seq = :seq", hash=bytes(32), seq=seq)

    assert fault_of(signed, signer) == ("edited", seq)


@pytest.mark.parametrize(
    "garbage", ["", "null", "[]", "{}", '{"seq":4}', "{" * 100_000, "[" * 100_000]
)
def test_a_text_that_is_no_entry_is_found(
    signed: Registry, signer: Signer, forge: Forge, garbage: str
) -> None:
    forge("UPDATE audit SET entry = :garbage WHERE seq = 4", garbage=garbage)

    assert fault_of(signed, signer) == ("edited", 4)


@pytest.mark.parametrize(
    ("which", "fault"),
    [
        ("seq = 1", ("missing", 1)),
        ("seq = 4", ("missing", 4)),
        ("seq IN (3, 4, 5)", ("missing", 3)),
        ("seq = 8", ("cut off", 8)),
        ("seq > 5", ("cut off", 6)),
        ("1 = 1", ("cut off", 1)),
    ],
)
def test_a_deletion_is_found(
    signed: Registry, signer: Signer, forge: Forge, which: str, fault: tuple[str, int]
) -> None:
    forge(f"DELETE FROM audit WHERE {which}")  # noqa: S608 (our own words)

    assert fault_of(signed, signer) == fault


def test_two_entries_that_changed_places_are_found(
    signed: Registry, signer: Signer, forge: Forge
) -> None:
    forge(
        "UPDATE audit SET seq = -3 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 6",
        "UPDATE audit SET seq = 6 WHERE seq = -3",
    )

    assert fault_of(signed, signer) == ("out of order", 3)


def test_an_entry_that_was_put_in_between_is_found(
    signed: Registry, signer: Signer, forge: Forge
) -> None:
    for seq in (8, 7, 6, 5):
        forge("UPDATE audit SET seq = :seq + 1 WHERE seq = :seq", seq=seq)
    forge(
        "INSERT INTO audit (seq, entry, hash)"
        " SELECT 5, replace(entry, :old, :new), hash FROM audit WHERE seq = 4",
        old='"seq":4',
        new='"seq":5',
    )

    assert fault_of(signed, signer) == ("edited", 5)


def test_an_entry_that_was_added_behind_the_end_is_found(
    signed: Registry, signer: Signer, forge: Forge, database_url: str
) -> None:
    head = signed.audit.head()
    forge(
        "INSERT INTO audit (seq, entry, hash)"
        " SELECT 9, replace(entry, :old, :new), hash FROM audit WHERE seq = 8",
        old='"seq":8',
        new='"seq":9',
    )
    rebuild(database_url, forge)
    assert head is not None
    forge("UPDATE audit_head SET seq = :seq, hash = :hash", seq=head.seq, hash=head.hash)

    assert fault_of(signed, signer) == ("added", 9)


@pytest.mark.parametrize("signs", [False, True])
def test_a_chain_rebuilt_without_the_key_is_found(
    signed: Registry, signer: Signer, another: Signer, forge: Forge, database_url: str, signs: bool
) -> None:
    forge("UPDATE audit SET entry = replace(entry, 'key:1', 'key:2')")
    rebuild(database_url, forge, signer=another if signs else None)

    assert fault_of(signed, signer) == ("signature", 8)


def test_a_chain_that_was_rebuilt_but_for_the_signed_end_is_found(
    signed: Registry, signer: Signer, forge: Forge, database_url: str
) -> None:
    head = signed.audit.head()
    forge("UPDATE audit SET entry = replace(entry, 'key:1', 'key:2')")
    rebuild(database_url, forge)
    assert head is not None
    forge("UPDATE audit_head SET hash = :hash", hash=head.hash)

    assert fault_of(signed, signer) == ("another history", 8)


def test_a_rebuilt_chain_is_still_found_after_the_service_has_gone_on_from_it(
    signed: Registry, signer: Signer, forge: Forge, database_url: str, clock: Clock
) -> None:
    forge("UPDATE audit SET entry = replace(entry, 'key:1', 'key:2')")
    rebuild(database_url, forge)
    signed.audit.note("subject.changed", subject=9)
    restarted = Registry.open(database_url, clock=clock, signer=signer)
    restarted.audit.note("service.started", version="1")
    restarted.close()

    assert fault_of(signed, signer) == ("signature", 8)


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM audit_head",
        "UPDATE audit_head SET signature = NULL, signer = NULL",
        "UPDATE audit_head SET seq = 7",
        "UPDATE audit_head SET hash = signature",
    ],
)
def test_a_tampered_end_is_found(signed: Registry, signer: Signer, forge: Forge, deed: str) -> None:
    forge(deed)

    assert fault_of(signed, signer)[0] == "signature"


def test_an_emptied_log_is_found(signed: Registry, signer: Signer, forge: Forge) -> None:
    forge("DELETE FROM audit", "DELETE FROM audit_head")

    assert fault_of(signed, signer) == ("missing", 1)


def test_an_entry_that_claims_another_key_without_its_signature_is_found(
    signed: Registry, signer: Signer, forge: Forge, database_url: str
) -> None:
    for details in ({}, {"seq": 3, "signature": "zz", "signer": 7}, {"seq": "x"}):
        entry = {"seq": 4, "action": "audit.head_not_ours", "details": details}
        forge("UPDATE audit SET entry = :entry WHERE seq = 4", entry=json.dumps(entry))
        rebuild(database_url, forge)
        with pytest.raises(LogBroken):
            check(signed, signer.public)


def test_any_random_change_of_any_byte_is_found(signed: Registry, signer: Signer) -> None:
    with signed.audit.whole() as log:
        lines = list(log_lines(log))
    chance = random.Random(0)  # noqa: S311 (no secret)
    for _ in range(200):
        after = list(lines)
        at = chance.randrange(len(after))
        changed = bytearray(after[at].rstrip("\n").encode())
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(7)
        after[at] = changed.decode()
        with pytest.raises((LogBroken, NoAuditFile)):
            verify(AuditFile(after), [signer.public])


def test_a_noted_end_proves_that_the_log_went_on_from_there(
    signed: Registry, signer: Signer
) -> None:
    noted = check(signed, signer.public).end
    signed.audit.note("subject.changed", subject=9)

    assert check(signed, signer.public, since=noted).entries == 9


def test_a_log_set_back_to_an_older_signed_end_is_found_by_a_noted_end(
    signed: Registry, signer: Signer, forge: Forge
) -> None:
    old = signed.audit.head()
    signed.audit.note("subject.erased", subject=9)
    noted = check(signed, signer.public).end
    assert old is not None
    forge(
        "DELETE FROM audit WHERE seq = 9",
        "UPDATE audit_head SET seq = 8, hash = :hash, signature = :signature",
        hash=old.hash,
        signature=old.signature,
    )

    assert check(signed, signer.public).entries == 8  # what the database alone can show
    with pytest.raises(LogBroken, match="entry 9 was there"):
        check(signed, signer.public, since=noted)
    signed.audit.note("subject.changed", subject=10)
    with pytest.raises(LogBroken) as broken:
        check(signed, signer.public, since=noted)
    assert (broken.value.fault, broken.value.seq) == ("another history", 9)


def test_a_replaced_key_is_accepted_with_the_earlier_public_key_only(
    signed: Registry, signer: Signer, another: Signer, database_url: str
) -> None:
    later = Registry.open(database_url, signer=another)
    later.audit.note("service.started", version="1")
    later.close()

    found = check(signed, another.public, signer.public)

    assert (found.signer, found.earlier_signers) == (
        another.public.fingerprint,
        (signer.public.fingerprint,),
    )
    with pytest.raises(LogBroken, match="give the earlier public key"):
        check(signed, another.public)


@pytest.mark.parametrize("text_", ["", "8", "8:", "0:" + "00" * 32, "x:" + "00" * 32, "8:00"])
def test_a_noted_end_that_is_none_is_refused(text_: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (of int, of fromhex and our own)
        Anchor.parse(text_)


def test_an_exported_log_can_be_checked_elsewhere(
    signed: Registry, signer: Signer, tmp_path: Path
) -> None:
    with signed.audit.whole() as log:
        lines = list(log_lines(log))

    assert verify(AuditFile(lines), [signer.public]).entries == 8
    for cut in range(1, len(lines)):
        with pytest.raises(LogBroken):
            verify(AuditFile(lines[:cut]), [signer.public])
        with pytest.raises((LogBroken, NoAuditFile)):
            verify(AuditFile([*lines[:cut], *lines[cut + 1 :]]), [signer.public])
    with pytest.raises(LogBroken):
        verify(AuditFile(lines), [open_signer(tmp_path / "a.key").public])


@pytest.mark.parametrize(
    "line", ["", "5", "[]", '"head"', '{"head":{}}', '{"entry":"x"}', '{"head":5}', "[" * 100_000]
)
def test_a_file_with_another_line_in_it_is_refused(line: str) -> None:
    first = '{"format":"walkprint-audit","version":1}'
    with pytest.raises(NoAuditFile, match="Line 2"):
        list(AuditFile([first, line]).entries())
    with pytest.raises(NoAuditFile, match="Line 1"):
        list(AuditFile([line]).entries())


def test_an_unsigned_log_is_not_whole(database_url: str, signer: Signer) -> None:
    unsigned = Registry.open(database_url)
    unsigned.audit.note("subject.changed", subject=1)

    assert fault_of(unsigned, signer) == ("signature", 1)
    assert unsigned.audit.head() == Head(1, unsigned.audit.page().entries[0].hash, None, None)
    unsigned.close()

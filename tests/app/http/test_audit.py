"""`GET /audit`: who did what over HTTP, and what it takes to check it elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from app.registry.audit.entry import Head
from app.registry.signing import read_public_key
from tests.app.http.test_recognition import enroll
from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService
from tests.walks import walk_zip

ADA = 1


def test_a_start_and_every_deed_after_it_are_in_the_log(service: LiveService, gallery: str) -> None:
    # No hash holds this id by chance.
    enroll(service, gallery, "wilhelmina", walk_zip(ADA))
    service.http.delete("/subjects/wilhelmina", params={"gallery": gallery})

    newest = service.http.get("/audit", params={"limit": 3}).json()["entries"]
    oldest = service.http.get("/audit", params={"limit": 3, "order": "oldest"}).json()["entries"]

    assert [entry["action"] for entry in newest] == [
        "subject.erased",
        "subject.enrolled",
        "gallery.created",
    ]
    # Also where a worker's thread did it.
    assert {entry["actor"] for entry in newest} == {"open"}
    assert newest[0]["details"]["subject"] == newest[1]["details"]["subject"]
    assert oldest[0]["action"] == "service.started"
    assert "wilhelmina" not in service.http.get("/audit").text


def test_pages_follow_each_other_and_can_be_checked_with_the_key(
    service: LiveService, gallery: str, tmp_path: Path
) -> None:
    service.http.post("/galleries", json={"name": gallery})
    entries: list[dict[str, str]] = []
    after: int | None = None
    while True:
        going_on = "" if after is None else f"&after={after}"
        page = service.http.get(f"/audit?order=oldest&limit=2{going_on}").json()
        entries += page["entries"]
        after = page["next_after"]
        if after is None:
            break
    file = tmp_path / "key.pem"
    file.write_bytes(service.http.get("/audit/key").content)

    chain_hash = bytes(32)
    for entry in entries:
        chain_hash = hashlib.sha256(chain_hash + entry["text"].encode()).digest()
        assert entry["hash"] == chain_hash.hex()
    end = page["head"]
    assert (end["seq"], end["hash"]) == (len(entries), chain_hash.hex())
    head = Head(end["seq"], chain_hash, bytes.fromhex(end["signature"]), end["signer"])
    assert head.is_signed_by(read_public_key(file))


def test_entries_can_be_looked_for(service: LiveService, gallery: str) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA))
    service.http.patch("/subjects/ada", params={"gallery": gallery}, json={"name": "Ada"})

    def found(**wanted: str) -> list[str]:
        page = service.http.get("/audit", params=wanted).json()
        return [entry["action"] for entry in page["entries"]]

    assert found(subject="ada", gallery=gallery) == ["subject.changed", "subject.enrolled"]
    assert found(subject="ada", gallery=gallery, action="subject.enrolled") == ["subject.enrolled"]
    assert found(gallery=gallery)[-1] == "gallery.created"
    assert found(actor="nobody") == []
    assert set(found(actor="system", action="service.started")) == {"service.started"}


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "501"}, {"after": "0"}, {"action": "gossip"}, {"order": "random"}],
)
def test_what_makes_no_sense_is_refused(service: LiveService, query: dict[str, str]) -> None:
    assert_refused(service.http.get("/audit", params=query), 422, "invalid-field")


def test_a_subject_who_is_not_there_is_not_looked_for(service: LiveService) -> None:
    refused = service.http.get("/audit", params={"subject": "nobody-knows"})
    assert_refused(refused, 404, "unknown-subject")

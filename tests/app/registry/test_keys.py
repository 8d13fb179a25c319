"""Keys and the sessions that begin with them, in both databases."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.errors import InvalidField
from app.registry import Registry
from app.registry.acting import acting_as
from app.registry.audit.log import Wanted
from app.registry.job import IdempotencyKey
from app.registry.keys import Key, NewKey, UnknownKey
from app.registry.sessions import SESSION_LIFE
from app.registry.tables import keys, sessions
from tests.app.registry.conftest import Clock

START = Clock().present


def made(registry: Registry, **wanted: object) -> tuple[Key, str]:
    """A key with its text."""
    key, text = registry.keys.create(NewKey("front door", ("identify",), **wanted))  # type: ignore[arg-type]
    assert text is not None
    return key, text


def test_a_key_is_recognised_by_its_whole_text_only(registry: Registry) -> None:
    key, text = made(registry)
    other, other_text = made(registry)
    assert re.fullmatch(r"wp_[a-z0-9]{10}_[A-Za-z0-9_-]{43}", text)
    known = registry.keys.authenticate(text)
    assert known is not None
    assert (known.id, known.scopes, known.name) == (key.id, ("identify",), f"key:{key.id}")
    stranger = [
        text[:-1],
        text + "A",
        text.upper(),
        text.replace(key.id, other.id),
        other_text.replace(other.id, key.id),
        text.replace(key.id, "a" * 10),
        f" {text}",
        text.removeprefix("wp_"),
        "",
        "ключ",
        "\udcff",
    ]
    assert [registry.keys.authenticate(each) for each in stranger] == [None] * len(stranger)


def test_what_is_stored_is_not_enough_to_call_with(registry: Registry) -> None:
    """Neither the text nor its secret is in the row, and the digest is no key."""
    _, text = made(registry)
    secret = text.split("_", 2)[2]  # may hold a _ of its own
    with registry._database.read() as connection:
        row = connection.execute(select(keys)).one()
    assert secret not in repr(tuple(row))
    assert registry.keys.authenticate(f"wp_{row.id}_{row.digest.hex()[:43]}") is None


def test_a_key_ends_when_it_is_revoked_or_over(registry: Registry, clock: Clock) -> None:
    revoked, revoked_text = made(registry)
    _, over_text = made(registry, expires_at=START + timedelta(hours=1))
    registry.keys.revoke(revoked.id)
    assert registry.keys.authenticate(revoked_text) is None
    clock.advance(minutes=59)
    assert registry.keys.authenticate(over_text) is not None
    clock.advance(minutes=1)
    assert registry.keys.authenticate(over_text) is None
    ended = registry.keys.revoke(revoked.id)
    assert ended.revoked_at == START  # a second time changes nothing
    assert registry.keys.any_made()
    with pytest.raises(UnknownKey):
        registry.keys.revoke("nobody")


def test_the_last_use_is_noted_once_a_minute(registry: Registry, clock: Clock) -> None:
    key, text = made(registry)

    def last_used() -> datetime | None:
        (listed,) = registry.keys.list()
        return listed.last_used_at

    assert key.last_used_at is None
    registry.keys.authenticate(text)
    clock.advance(seconds=59)
    registry.keys.authenticate(text)
    assert last_used() == START
    clock.advance(seconds=1)
    registry.keys.authenticate(text)
    assert last_used() == clock.present


def test_a_repeated_call_makes_no_second_key_and_shows_no_secret(registry: Registry) -> None:
    once = IdempotencyKey(key_hash="a" * 64, fingerprint="b" * 64)
    first, text = registry.keys.create(NewKey("door", ()), idempotency=once)
    again, nothing = registry.keys.create(NewKey("door", ()), idempotency=once)
    assert text is not None
    assert nothing is None
    assert again == first
    assert len(registry.keys.list()) == 1


def test_a_key_from_the_environment_is_an_administrators_and_made_once(registry: Registry) -> None:
    text = "wp_" + "b" * 10 + "_" + "x" * 43
    for _ in range(2):
        registry.keys.adopt(text, "bootstrap")
    (key,) = registry.keys.list()
    assert key.scopes == ("admin",)
    registry.keys.revoke(key.id)
    registry.keys.adopt(text, "bootstrap")
    assert registry.keys.authenticate(text) is None  # a restart does not bring it back
    with pytest.raises(InvalidField):
        registry.keys.adopt("changeme", "bootstrap")


@pytest.mark.parametrize(
    "wish",
    [
        NewKey("", ("identify",)),
        NewKey("door", ("everything",)),  # type: ignore[arg-type]
        NewKey("door", (), galleries=["no/slash\x00"]),
        NewKey("door", (), requests_per_minute=0),
        NewKey("door", (), expires_at=START),
    ],
)
def test_what_cannot_be_is_refused(registry: Registry, wish: NewKey) -> None:
    with pytest.raises(InvalidField):
        registry.keys.create(wish)
    assert registry.keys.list() == ()


def test_making_and_ending_are_noted_with_who_did_it(registry: Registry) -> None:
    with acting_as("cli:anna"):
        key, _ = made(registry)
        registry.keys.revoke(key.id)
        registry.keys.revoke(key.id)
    entries = registry.audit.page(newest_first=False, wanted=Wanted(actor="cli:anna")).entries
    assert [json.loads(entry.text)["action"] for entry in entries] == ["key.created", "key.revoked"]


def test_a_session_lasts_half_a_day_and_no_longer_than_its_key(
    registry: Registry, clock: Clock
) -> None:
    key, _ = made(registry)
    brief, _ = made(registry, expires_at=START + timedelta(hours=1))
    token, ends = registry.sessions.begin(key)
    brief_token, brief_ends = registry.sessions.begin(brief)
    assert (ends, brief_ends) == (START + SESSION_LIFE, START + timedelta(hours=1))
    assert registry.sessions.key_of(token) == key
    assert registry.sessions.key_of(token[:-1]) is None
    clock.present = brief_ends
    assert registry.sessions.key_of(brief_token) is None
    clock.present = ends
    assert registry.sessions.key_of(token) is None


def test_a_session_ends_with_its_key_and_when_it_is_left(registry: Registry) -> None:
    key, _ = made(registry)
    left, _ = registry.sessions.begin(key)
    kept, _ = registry.sessions.begin(key)
    for _ in range(2):
        registry.sessions.end(left)
    assert registry.sessions.key_of(left) is None
    assert registry.sessions.key_of(kept) == key
    registry.keys.revoke(key.id)
    assert registry.sessions.key_of(kept) is None


def test_sessions_that_are_over_are_forgotten(registry: Registry, clock: Clock) -> None:
    key, _ = made(registry)
    ended, _ = made(registry)
    registry.sessions.begin(key)
    registry.sessions.begin(ended)
    registry.keys.revoke(ended.id)
    registry.sessions.purge()

    def left() -> int:
        with registry._database.read() as connection:
            return len(connection.execute(select(sessions.c.digest)).all())

    assert left() == 1
    clock.present += SESSION_LIFE
    registry.sessions.purge()
    assert left() == 0

"""The key of a client: how it gets to the service, and to nobody else."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.client import (
    Client,
    NotAllowed,
    NotAuthenticated,
    RetryPolicy,
    TooManyRequests,
    UnusableKey,
    WalkprintError,
)
from tests.app.command import runner

KEY = "wp_0123456789abcdef_the-secret-part"
NO_GALLERIES: dict[str, object] = {"galleries": [], "next": None}
QUICK = RetryPolicy(attempts=2, first_wait_seconds=0.01, longest_wait_seconds=0.05)


@pytest.fixture(autouse=True)
def _no_key_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WALKPRINT_API_KEY", "WALKPRINT_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


def shown_key(scripted_service: Any, reply: Any, client: Callable[[str], Client]) -> str | None:
    """What a client showed the service."""
    scripted_service.replies.append(reply(200, NO_GALLERIES))
    with client(scripted_service.url) as walkprint:
        walkprint.galleries()
    shown: str | None = scripted_service.heard[-1].headers.get("Authorization")
    return shown


def test_a_key_is_given_taken_from_the_environment_or_from_a_file(
    scripted_service: Any, reply: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}-of-a-file\n")

    assert shown_key(scripted_service, reply, Client) is None
    monkeypatch.setenv("WALKPRINT_API_KEY_FILE", str(file))
    assert shown_key(scripted_service, reply, Client) == f"Bearer {KEY}-of-a-file"
    monkeypatch.setenv("WALKPRINT_API_KEY", KEY)
    assert shown_key(scripted_service, reply, Client) == f"Bearer {KEY}"

    def given(url: str) -> Client:
        return Client(url, api_key="given")

    def without(url: str) -> Client:
        return Client(url, api_key="")

    assert shown_key(scripted_service, reply, given) == "Bearer given"
    assert shown_key(scripted_service, reply, without) is None


@pytest.mark.parametrize("secret", ["two words", "line\nX-Admin: yes", "gehéim", "nul\0"])
def test_what_cannot_be_a_key_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(UnusableKey) as refused:
        Client("http://127.0.0.1:1", api_key=secret)
    assert secret not in "".join(traceback.format_exception(refused.value))


def test_the_key_is_in_no_text_that_a_client_makes(
    scripted_service: Any, reply: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scripted_service.replies += [reply(500, b"<html>", content_type="text/html"), reply(None)]
    with Client(scripted_service.url, api_key=KEY, retries=RetryPolicy(attempts=1)) as client:
        texts = [
            repr(client),
            repr(vars(client._connection)),
            repr(client._connection._http.headers),
        ]
        for _ in range(2):
            with pytest.raises(WalkprintError) as refused:
                client.galleries()
            texts += traceback.format_exception(refused.value)
            texts += [repr(refused.value), repr(refused.value.problem)]
    assert KEY in scripted_service.heard[0].headers["Authorization"]
    assert KEY not in "".join([*texts, caplog.text])


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, NotAuthenticated), (403, NotAllowed), (429, TooManyRequests), (409, WalkprintError)],
)
def test_who_is_turned_away_learns_why_by_the_kind_of_exception(
    scripted_service: Any, reply: Any, status: int, kind: type[WalkprintError]
) -> None:
    problem = {"type": "/problems/some", "title": "No", "detail": "No.", "status": status}
    scripted_service.replies += [reply(status, problem, content_type="application/problem+json")]

    with (
        Client(scripted_service.url, retries=RetryPolicy(attempts=1)) as client,
        pytest.raises(WalkprintError) as refused,
    ):
        client.galleries()

    assert type(refused.value) is kind


def test_who_calls_too_often_waits_as_long_as_is_asked_and_then_gets_an_answer(
    scripted_service: Any, reply: Any
) -> None:
    often = reply(429, {"title": "Too many requests"}, headers={"Retry-After": "0"})
    scripted_service.replies += [often, reply(200, NO_GALLERIES)]

    with Client(scripted_service.url, retries=QUICK) as client:
        assert client.galleries() == []

    assert len(scripted_service.heard) == 2


def test_who_calls_too_often_for_too_long_learns_the_limit(
    scripted_service: Any, reply: Any
) -> None:
    problem = {"title": "Too many requests", "limit": 5, "retry_after_seconds": 40}
    often = reply(429, problem, headers={"Retry-After": "40"})
    scripted_service.replies += [often, often]

    with (
        Client(scripted_service.url, retries=QUICK) as client,
        pytest.raises(TooManyRequests) as refused,
    ):
        client.galleries()

    assert (refused.value.limit, refused.value.retry_after_seconds) == (5, 40)


def test_a_command_without_a_key_says_where_to_put_one(
    scripted_service: Any,
    reply: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WALKPRINT_URL", scripted_service.url)
    scripted_service.replies += [reply(401, {"title": "Who are you?", "detail": "No key came."})]

    said = runner(capsys)("galleries", "list")

    assert said.code == 1
    assert "No key came." in said.err
    assert "WALKPRINT_API_KEY" in said.err


def test_a_command_shows_the_key_of_the_environment_and_refuses_one_that_cannot_be(
    scripted_service: Any,
    reply: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    run = runner(capsys)
    monkeypatch.setenv("WALKPRINT_URL", scripted_service.url)
    monkeypatch.setenv("WALKPRINT_API_KEY", KEY)
    scripted_service.replies += [reply(200, NO_GALLERIES)]

    assert run("galleries", "list").code == 0
    assert scripted_service.heard[0].headers["Authorization"] == f"Bearer {KEY}"
    monkeypatch.setenv("WALKPRINT_API_KEY", "two words")
    refused = run("galleries", "list")
    monkeypatch.delenv("WALKPRINT_API_KEY")
    monkeypatch.setenv("WALKPRINT_API_KEY_FILE", str(tmp_path / "nowhere"))
    missing = run("galleries", "list")

    assert (refused.code, "two words" in refused.err) == (1, False)
    assert (missing.code, "nowhere" in missing.err) == (1, True)

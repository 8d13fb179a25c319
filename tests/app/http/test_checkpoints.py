"""Checkpoints over HTTP: installed, activated while others are served, rolled back, removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from threading import Event

import httpx
import pytest

from app.client import Client
from app.registry import NewCheckpoint, Registry
from app.settings import Settings
from app.worker.checkpoint_files import read_new_checkpoint
from tests.app.registry.stored_walks import gei_png
from tests.enrolling import enroll as registry_enroll
from tests.enrolling import unit_vector
from tests.live_service import LiveService, live_service
from tests.other_checkpoints import checkpoint_file, other_checkpoint, shipped_id, written
from tests.walks import walk_zip

ADA, BOB = 1, 2
NEW = other_checkpoint().checkpoint_id
_PATIENCE_POLLS = 600


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service of this file's own, for it changes what serves."""
    settings = Settings(
        data=tmp_path_factory.mktemp("checkpoints"), device="cpu", runtime="onnxruntime"
    )
    with live_service(settings) as running:
        yield running


@pytest.fixture
def service(upgraded: LiveService) -> Iterator[LiveService]:
    """The same, with nobody in it, and the shipped checkpoint serving alone, after each test."""
    yield upgraded
    registry = upgraded.registry
    for gallery in registry.galleries.list():
        registry.galleries.delete(gallery.name, force=True)
    serving = registry.checkpoints.serving()
    assert serving is not None
    if serving.upcoming is not None:
        registry.reembeddings.change(serving.upcoming, "cancelled")
    registry.switching.activate(shipped_id(), accept_loss=True)
    for row in registry.checkpoints.list():
        if row.id != shipped_id():
            registry.checkpoints.remove(row.id)


@cache
def made(height: int = 64, width: int = 44) -> NewCheckpoint:
    return read_new_checkpoint(checkpoint_file(height=height, width=width), "new.safetensors")


def install(service: LiveService, height: int = 64, width: int = 44) -> None:
    """Without the way over HTTP, where each file is tried again for some seconds."""
    service.registry.checkpoints.install(made(height, width))


def send(service: LiveService, content: bytes, **headers: str) -> httpx.Response:
    return service.http.post(
        "/checkpoints", files={"checkpoint": ("new.safetensors", content)}, headers=headers
    )


def enroll(service: LiveService, subject: str, person: int) -> list[str]:
    response = service.http.post(
        "/enroll", data={"subject": subject}, files={"walk": walk_zip(person)}
    )
    assert response.status_code == 201, response.text
    return [walk["id"] for walk in response.json()["walks"]]


def identify(service: LiveService, person: int) -> tuple[str | None, str, int]:
    """Whom an identification names, by which checkpoint, among how many."""
    response = service.http.post("/identify", files={"walk": walk_zip(person)})
    assert response.status_code == 200, response.text
    answer = response.json()
    return answer["subject"], answer["checkpoint"], answer["gallery_size"]


def wait_for_end(service: LiveService, checkpoint: str) -> dict[str, object]:
    """The re-embedding, once it has ended."""
    state: dict[str, object] = until(
        lambda: service.http.get(f"/checkpoints/{checkpoint}/reembedding"),
        lambda answer: answer.json()["state"] not in ("running", "paused"),
    ).json()
    return state


def until(
    ask: Callable[[], httpx.Response], is_right: Callable[[httpx.Response], bool]
) -> httpx.Response:
    """Asks until the answer is right."""
    for _ in range(_PATIENCE_POLLS):
        if is_right(answer := ask()):
            return answer
        Event().wait(0.1)
    raise TimeoutError(answer.text)


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["advice"]
    return response.status_code, response.json()["type"].removeprefix("/problems/")


def test_a_file_is_installed_once_and_does_not_serve_yet(service: LiveService) -> None:
    first = send(service, checkpoint_file(), **{"Idempotency-Key": "once"})
    again = send(service, checkpoint_file())

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["location"] == f"/checkpoints/{NEW}"
    rows = {row["id"]: row for row in service.http.get("/checkpoints").json()["checkpoints"]}
    assert rows.keys() == {shipped_id(), NEW}
    assert [row["id"] for row in rows.values() if row["active"]] == [shipped_id()]
    assert rows[NEW]["about"]["training"] == {"made_for": "a test", "seed": 1}
    assert rows[NEW]["about"]["gei"]["height"] == 64
    assert service.stored_uploads == []


@pytest.mark.parametrize("damage", ["text", "cut", "another id", "another size"])
def test_a_file_that_cannot_be_run_is_not_installed(service: LiveService, damage: str) -> None:
    good = other_checkpoint()
    content = {
        "text": b"not weights",
        "cut": checkpoint_file()[:-1000],
        "another id": written(replace(good, checkpoint_id=shipped_id())),
        "another size": written(replace(good, network=replace(good.network, height=10**9))),
    }[damage]

    assert code_of(send(service, content)) == (422, "checkpoint-not-usable")
    assert len(service.registry.checkpoints.list()) == 1
    assert service.stored_uploads == []


def test_a_file_over_the_limit_is_refused_before_it_is_read(service: LiveService) -> None:
    connection = HTTPConnection(service.http.base_url.netloc.decode(), timeout=20)
    connection.putrequest("POST", "/checkpoints")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(service.settings.max_checkpoint_bytes + 1))
    connection.endheaders()

    refused = connection.getresponse()

    assert refused.status == 413
    assert json.loads(refused.read())["type"] == "/problems/upload-too-large"
    connection.close()


def test_the_old_checkpoint_serves_until_all_walks_are_embedded_then_the_new_one(
    service: LiveService,
) -> None:
    enroll(service, "ada", ADA)
    install(service)

    accepted = service.http.post(f"/checkpoints/{NEW}/activate")
    ended = wait_for_end(service, NEW)

    assert accepted.status_code == 202
    assert accepted.headers["location"] == f"/checkpoints/{NEW}/reembedding"
    assert (ended["state"], ended["done"], ended["total"]) == ("complete", 1, 1)
    assert identify(service, ADA) == ("ada", NEW, 1)
    back = service.http.post("/checkpoints/rollback")
    assert (back.status_code, back.json()["state"]) == (200, "active")
    assert identify(service, ADA) == ("ada", shipped_id(), 1)


def test_who_is_enrolled_meanwhile_is_found_before_and_after_the_switch(
    service: LiveService,
) -> None:
    enroll(service, "ada", ADA)
    install(service)
    service.registry.switching.activate(NEW, accept_loss=False)
    service.http.post(f"/checkpoints/{NEW}/reembedding/pause").raise_for_status()

    (walk,) = enroll(service, "bob", BOB)
    assert service.http.get(f"/walks/{walk}").json()["checkpoints"] == sorted([NEW, shipped_id()])
    assert identify(service, BOB) == ("bob", shipped_id(), 2)
    service.http.post(f"/checkpoints/{NEW}/reembedding/resume").raise_for_status()
    wait_for_end(service, NEW)
    assert identify(service, BOB) == ("bob", NEW, 2)
    assert identify(service, ADA) == ("ada", NEW, 2)


def test_who_was_enrolled_after_the_switch_is_found_after_the_rollback(
    service: LiveService,
) -> None:
    enroll(service, "ada", ADA)
    install(service)
    service.http.post(f"/checkpoints/{NEW}/activate")
    wait_for_end(service, NEW)
    enroll(service, "bob", BOB)

    back = service.http.post("/checkpoints/rollback", headers={"Idempotency-Key": "back"})
    repeated = service.http.post("/checkpoints/rollback", headers={"Idempotency-Key": "back"})
    wait_for_end(service, shipped_id())

    assert (back.status_code, repeated.status_code) == (202, 202)
    assert repeated.headers["idempotency-replayed"] == "true"
    assert identify(service, BOB) == ("bob", shipped_id(), 2)


def test_walks_that_would_be_lost_are_counted_named_and_need_a_word(service: LiveService) -> None:
    larger = other_checkpoint(height=96, width=66).checkpoint_id
    (walk,) = enroll(service, "ada", ADA)
    install(service, 96, 66)

    refused = service.http.post(f"/checkpoints/{larger}/activate")
    assert code_of(refused) == (409, "walks-would-be-lost")
    assert refused.json()["reasons"] == ["other-gei-size: 1"]
    shown = service.http.get(f"/checkpoints/{larger}").json()
    assert shown["refusals"] == {"other-gei-size": 1}
    named = service.http.get(f"/checkpoints/{larger}/refusals").json()
    assert named == {"walks": [{"walk": walk, "reason": "other-gei-size"}], "next": None}

    # Recorded again while both are served, the person is known to both.
    service.registry.switching.activate(larger, accept_loss=True)
    service.http.post(f"/checkpoints/{larger}/reembedding/pause").raise_for_status()
    enroll(service, "bob", BOB)
    service.http.post(f"/checkpoints/{larger}/reembedding/resume").raise_for_status()
    assert wait_for_end(service, larger)["refused"] == 1
    assert identify(service, BOB) == ("bob", larger, 1)
    assert service.http.post("/checkpoints/rollback").status_code == 200
    assert identify(service, ADA) == ("ada", shipped_id(), 2)


def test_a_checkpoint_goes_with_its_templates_unless_it_serves(service: LiveService) -> None:
    (walk,) = enroll(service, "ada", ADA)
    install(service)
    service.http.post(f"/checkpoints/{NEW}/activate")
    wait_for_end(service, NEW)

    assert code_of(service.http.delete(f"/checkpoints/{NEW}")) == (409, "checkpoint-in-use")
    removed = service.http.delete(f"/checkpoints/{shipped_id()}").json()
    assert removed == {"checkpoint": shipped_id(), "templates": 1}
    assert service.http.get(f"/walks/{walk}").json()["checkpoints"] == [NEW]
    assert code_of(service.http.post("/checkpoints/rollback")) == (409, "nothing-to-roll-back-to")
    assert code_of(service.http.delete("/checkpoints/nothing")) == (404, "unknown-checkpoint")
    # The one that ships is registered again by the next start.
    with live_service(service.settings.model_copy(update={"port": 0})) as next_start:
        assert next_start.http.get(f"/checkpoints/{shipped_id()}").json()["here"]
        assert next_start.http.get("/readyz").json()["checkpoint"] == NEW


def test_a_client_follows_a_switch_step_by_step(service: LiveService) -> None:
    enroll(service, "ada", ADA)
    install(service)
    with Client(service.url) as client:
        assert client.checkpoints.activate(NEW).state == "embedding"
        wait_for_end(service, NEW)
        assert client.checkpoints.reembedding(NEW).state == "complete"
        assert [row.id for row in client.checkpoints.list() if row.active] == [NEW]
        assert client.checkpoints.get(NEW).walks_without_template == 0
        assert list(client.checkpoints.refused_walks(NEW)) == []
        assert client.checkpoints.roll_back().state == "active"
        assert client.checkpoints.remove(NEW) == 1


def test_another_process_answers_by_the_new_checkpoint_at_once(service: LiveService) -> None:
    enroll(service, "ada", ADA)
    install(service)
    with live_service(service.settings) as neighbour:
        assert identify(neighbour, ADA) == ("ada", shipped_id(), 1)
        service.http.post(f"/checkpoints/{NEW}/activate")
        wait_for_end(neighbour, NEW)
        assert identify(neighbour, ADA) == ("ada", NEW, 1)
        assert identify(service, ADA) == ("ada", NEW, 1)


def test_a_service_without_the_weights_that_serve_says_what_to_do_and_can_be_helped(
    tmp_path: Path,
) -> None:
    settings = Settings(data=tmp_path, device="cpu", runtime="onnxruntime")
    registry = Registry.open(settings.resolved_database_url)
    registry.migrate()
    enrolled = registry_enroll(
        registry, "ada", [unit_vector(1)], checkpoint_id="of-yesterday", gei_png=gei_png()
    )
    registry.close()

    with live_service(settings, becomes_ready=False) as service:
        http = service.http
        told = until(lambda: http.get("/readyz"), lambda answer: "of-yesterday" in answer.text)
        assert code_of(told) == (503, "not-ready")
        assert "walkprint checkpoints install" in told.json()["detail"]
        refused = http.post("/identify", files={"walk": walk_zip(ADA)})
        assert code_of(refused) == (503, "not-ready")

        assert http.post(f"/checkpoints/{shipped_id()}/activate").status_code == 202
        until(lambda: http.get("/readyz"), lambda answer: answer.status_code == 200)
        found = http.post("/identify", files={"walk": walk_zip(ADA)}).json()
        assert (found["checkpoint"], found["gallery_size"]) == (shipped_id(), 1)
        assert found["candidates"][0]["walk"] == enrolled.walks[0]
        assert code_of(http.post("/checkpoints/rollback")) == (503, "checkpoint-not-here")

"""`kill -9` in the middle of a re-embedding: it goes on, every walk passes exactly once."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import create_engine, select

from app.client import Client
from app.demo.service_process import ServiceProcess
from app.registry import Registry
from app.registry.tables import templates
from app.worker.checkpoint_files import read_new_checkpoint, shipped_checkpoint
from model.encoder import Encoder
from tests.enrolling import enroll, unit_vector
from tests.other_checkpoints import checkpoint_file, other_checkpoint, shipped_id
from tests.walks import walk_zip

_WALKS = 160
NEW = other_checkpoint().checkpoint_id


def gei(number: int) -> NDArray[np.uint8]:
    """(64, 44), a picture of its own for each walk."""
    return np.random.default_rng(number).integers(0, 256, (64, 44), np.uint8)


def fill(database_url: str) -> None:
    """A database with many walks by the shipped checkpoint, and the new one installed."""
    registry = Registry.open(database_url)
    registry.migrate()
    registry.checkpoints.settle(shipped_checkpoint(), None)
    registry.checkpoints.install(read_new_checkpoint(checkpoint_file(), "new"))
    for number in range(_WALKS):
        enroll(
            registry,
            f"subject-{number}",
            [unit_vector(number, 256)],
            gallery=f"gallery-{number % 2}",
            checkpoint_id=shipped_id(),
            gei_png=cv2.imencode(".png", gei(number))[1].tobytes(),
        )
    registry.close()


def stored_vectors(database_url: str) -> dict[str, bytes]:
    """The new template of each walk; fails where a walk has two."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            select(templates.c.walk_id, templates.c.vector).where(templates.c.checkpoint_id == NEW)
        ).all()
    engine.dispose()
    assert Counter(row.walk_id for row in rows).most_common(1)[0][1] == 1
    return {row.walk_id: row.vector for row in rows}


def test_a_killed_re_embedding_is_finished_by_the_next_start(tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path / 'walkprint.db'}"
    fill(database_url)
    environment = {
        "WALKPRINT_DEVICE": "cpu",
        "WALKPRINT_RUNTIME": "onnxruntime",
        "WALKPRINT_LOG_LEVEL": "warning",
    }
    dies_in_the_middle = environment | {"WALKPRINT_FAILPOINT": "mid-reembedding:4"}
    with (
        ServiceProcess(tmp_path, environment=dies_in_the_middle) as service,
        Client(service.url) as client,
    ):
        assert client.checkpoints.activate(NEW).state == "embedding"
        assert service.wait() == -signal.SIGKILL
    passed_before = stored_vectors(database_url)
    assert 0 < len(passed_before) < _WALKS

    with (
        ServiceProcess(tmp_path, environment=environment) as service,
        Client(service.url) as client,
    ):
        while not (state := client.checkpoints.reembedding(NEW)).is_finished:
            # Whoever is enrolled now has templates by both.
            client.enroll("ada", [_walk_file(tmp_path)], gallery="gallery-0")
        answer = client.identify(_walk_file(tmp_path), gallery="gallery-0")

    assert (state.state, state.done, state.refused) == ("complete", _WALKS, 0)
    assert (answer.checkpoint, answer.subject) == (NEW, "ada")
    vectors = stored_vectors(database_url)
    assert passed_before.items() <= vectors.items()
    registry = Registry.open(database_url)
    assert registry.checkpoints.get(NEW).walks_without_template == 0
    _check_against_the_encoder(registry, vectors)
    registry.close()


def _check_against_the_encoder(registry: Registry, vectors: dict[str, bytes]) -> None:
    """Some templates are what the checkpoint says of those walks' own images."""
    encoder = Encoder(other_checkpoint(), device="cpu", threads=1, runtime="onnxruntime")
    for number in range(0, _WALKS, 40):
        (walk,) = registry.walks.list(f"subject-{number}")
        expected_d = encoder.encode(gei(number)[None])[0]
        stored_d = np.frombuffer(vectors[walk.id], "<f4")
        assert float(stored_d @ expected_d) > 0.999


def _walk_file(folder: Path) -> Path:
    path = folder / "ada.zip"
    path.write_bytes(walk_zip(1))
    return path

"""Stored walks pass a real checkpoint, outside of any service process."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.registry import NewCheckpoint, Registry
from app.registry.checkpoint_problems import UnknownCheckpoint
from app.settings import Settings
from app.telemetry import Metrics
from app.worker.checkpoint_files import read_new_checkpoint, shipped_checkpoint
from app.worker.recognisers import Recognisers
from app.worker.reembedder import Reembedder
from model.encoder import Encoder
from tests.enrolling import enroll, unit_vector
from tests.other_checkpoints import checkpoint_file, other_checkpoint, shipped_id

NEW = other_checkpoint().checkpoint_id


def gei(number: int) -> NDArray[np.uint8]:
    """(64, 44), a picture of its own for each walk."""
    return np.random.default_rng(number).integers(0, 256, (64, 44), np.uint8)


def png_of(number: int) -> bytes:
    return cv2.imencode(".png", gei(number))[1].tobytes()


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    """One that the shipped checkpoint serves; the other one is installed."""
    opened = Registry.open(database_url)
    opened.checkpoints.settle(shipped_checkpoint(), None)
    opened.checkpoints.install(read_new_checkpoint(checkpoint_file(), "new"))
    yield opened
    opened.close()


@pytest.fixture
def recognisers(registry: Registry) -> Iterator[Recognisers]:
    loaded = Recognisers(registry, Settings(device="cpu", runtime="onnxruntime"), Metrics())
    yield loaded
    loaded.close()


@pytest.fixture
def reembedder(registry: Registry, recognisers: Recognisers) -> Reembedder:
    return Reembedder(registry, recognisers, owner="me", lease_seconds=30)


def enroll_by_shipped(registry: Registry, subject: str, gallery: str, png: bytes) -> str:
    vectors = [unit_vector(1, 256)]
    made = enroll(
        registry, subject, vectors, gallery=gallery, checkpoint_id=shipped_id(), gei_png=png
    )
    return made.walks[0]


def test_each_walk_gets_the_embedding_of_its_own_picture(
    registry: Registry, reembedder: Reembedder
) -> None:
    for number in range(12):
        enroll_by_shipped(registry, f"subject-{number}", f"gallery-{number % 3}", png_of(number))
    registry.switching.activate(NEW, accept_loss=False)

    reembedder.work()

    serving = registry.checkpoints.serving()
    assert serving is not None
    assert serving.ids == (NEW,)
    encoder = Encoder(other_checkpoint(), device="cpu", threads=1, runtime="onnxruntime")
    for number in range(12):
        made = registry.templates.of_subject(f"subject-{number}", f"gallery-{number % 3}", NEW)
        expected_d = encoder.encode(gei(number)[None])[0]
        np.testing.assert_allclose(made.vectors_nd, expected_d[None], atol=1e-4)


def test_a_picture_that_turns_out_damaged_holds_the_switch(
    registry: Registry, reembedder: Reembedder
) -> None:
    good = enroll_by_shipped(registry, "ada", "g", png_of(1))
    broken = enroll_by_shipped(registry, "bob", "g", png_of(2)[:60])
    registry.switching.activate(NEW, accept_loss=False)

    reembedder.work()

    ended = registry.reembeddings.get(NEW)
    assert (ended.state, ended.done, ended.refused) == ("complete", 2, 1)
    assert registry.checkpoints.refused_walks(NEW) == ((broken, "gei-not-readable"),)
    assert registry.walks.get(good).checkpoints == tuple(sorted((NEW, shipped_id())))
    assert registry.checkpoints.get(shipped_id()).active


def test_weights_that_are_missing_end_it_with_the_reason(
    registry: Registry, reembedder: Reembedder
) -> None:
    nowhere = NewCheckpoint("of-yesterday", None, {"gei": {"height": 64, "width": 44}})
    registry.checkpoints.install(nowhere)
    enroll_by_shipped(registry, "ada", "g", png_of(1))
    registry.switching.activate(nowhere.id, accept_loss=False)

    reembedder.work()

    ended = registry.reembeddings.get(nowhere.id)
    assert ended.state == "failed"
    assert ended.problem is not None
    assert ended.problem["type"] == "/problems/checkpoint-not-here"
    serving = registry.checkpoints.serving()
    assert serving is not None
    assert serving.ids == (shipped_id(),)  # enrolments are not held up by it


def test_a_checkpoint_is_let_go_when_nobody_uses_it_any_more(recognisers: Recognisers) -> None:
    with recognisers.for_job((shipped_id(),)) as (by,):
        recognisers.keep((NEW,))
        assert recognisers.loaded() == {shipped_id(), NEW}
        assert by.batcher.encode([gei(1)]).shape == (1, 256)
    recognisers.keep((NEW,))
    assert recognisers.loaded() == {NEW}
    with pytest.raises(UnknownCheckpoint), recognisers.use(("nothing",)):
        pass

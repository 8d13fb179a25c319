"""The service erases what has become too old, counts it, and logs nobody's name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from app.errors import UnknownMerge
from app.registry import Registry
from app.telemetry import Metrics
from app.worker.retention import RetentionRounds
from app.worker.storage import UploadStorage
from tests.app.registry.conftest import Clock
from tests.enrolling import enroll, unit_vector


@pytest.fixture
def clock() -> Clock:
    """The clock of `registry`."""
    return Clock()


@pytest.fixture
def registry(database_url: str, clock: Clock) -> Iterator[Registry]:
    """An empty registry."""
    opened = Registry.open(database_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def metrics() -> Metrics:
    """Of the process."""
    return Metrics()


@pytest.fixture
def rounds(registry: Registry, tmp_path: Path, metrics: Metrics) -> RetentionRounds:
    """As the sweep runs them."""
    return RetentionRounds(registry, UploadStorage(tmp_path / "uploads", "me"), metrics)


def erased(metrics: Metrics, kind: str) -> float:
    return (
        metrics.collection.get_sample_value("walkprint_retention_erased_total", {"kind": kind}) or 0
    )


def test_what_is_too_old_is_erased_counted_and_logged_without_names(
    registry: Registry, clock: Clock, metrics: Metrics, rounds: RetentionRounds
) -> None:
    for subject in ("ada-lovelace", "grace-hopper"):
        enroll(registry, subject, [unit_vector(1), unit_vector(2)], gallery="the-navy")
    registry.galleries.change("the-navy", rules={"keep_subjects_days": 30})
    clock.advance(days=30)

    with structlog.testing.capture_logs() as logged:
        rounds.run()

    assert registry.subjects.list().subjects == ()
    assert (erased(metrics, "subject"), erased(metrics, "walk")) == (2, 0)
    (line,) = logged
    assert (line["subjects"], line["walks"]) == (2, 0)
    assert not any(name in str(line) for name in ("ada", "grace", "navy"))


def test_a_large_backlog_is_worked_off_batch_by_batch_without_a_pause(
    registry: Registry, clock: Clock, rounds: RetentionRounds
) -> None:
    registry.retention.batch = 2
    for number in range(5):
        enroll(registry, f"s{number}", [unit_vector(number)])
    registry.galleries.change("default", rules={"keep_subjects_days": 1})
    clock.advance(days=1)

    left = []
    for _ in range(3):
        rounds.run()
        left.append(registry.galleries.get("default").subjects)

    assert left == [3, 1, 0]


def test_between_two_rounds_nothing_is_looked_up(
    registry: Registry, clock: Clock, rounds: RetentionRounds
) -> None:
    rounds.run()
    enroll(registry, "ada", [unit_vector(1)])
    registry.galleries.change("default", rules={"keep_walks_days": 1})
    clock.advance(days=1)
    rounds.run()
    assert registry.subjects.get("ada").walks == 1


def test_a_merge_whose_time_is_up_becomes_final(
    registry: Registry, clock: Clock, metrics: Metrics, rounds: RetentionRounds
) -> None:
    for number, subject in enumerate(("ada", "countess")):
        enroll(registry, subject, [unit_vector(number)])
    merge, _ = registry.merges.merge("countess", "ada", undo_within=timedelta(days=7))
    clock.advance(days=7)

    rounds.run()

    assert erased(metrics, "merge") == 1
    with pytest.raises(UnknownMerge):
        registry.merges.undo(merge.id)

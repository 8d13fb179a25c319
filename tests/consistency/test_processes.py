"""Three processes on one PostgreSQL, and their histories told as one.

WALKPRINT_HISTORY_CALLS sets how many calls each of their threads makes (`make test-crash` makes
many more).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from app.registry import Registry
from app.search import GallerySearch
from tests.consistency.history import Event, contradictions
from tests.consistency.process import GALLERY, vector_of
from tests.enrolling import CHECKPOINT

_CALLS = int(os.environ.get("WALKPRINT_HISTORY_CALLS", "30"))
_PROCESSES = ("red", "green", "blue")
_ROOT = Path(__file__).parents[2]


def start(database_url: str, name: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.consistency.process", database_url, name, str(_CALLS)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_three_processes_see_one_truth(postgres_url: str) -> None:
    registry = Registry.open(postgres_url)
    registry.galleries.create(GALLERY)
    processes = [start(postgres_url, name) for name in _PROCESSES]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    events = []
    for process in processes:
        said, _ = process.communicate(timeout=3000)
        assert process.returncode == 0
        events += [Event.from_line(line) for line in said.splitlines()]

    assert contradictions(events) == []
    deeds = Counter(event.deed for event in events)
    assert min(deeds["enrol"], deeds["erase"], deeds["identify"]) > _CALLS / 4
    left = {event.subject for event in events if event.deed == "enrol"}
    left -= {event.subject for event in events if event.deed == "erase"}
    assert registry.galleries.get(GALLERY).revision == deeds["enrol"] + deeds["erase"]
    fresh = GallerySearch(registry)
    for subject in sorted(left):
        found = fresh.search(GALLERY, CHECKPOINT, vector_of(subject)[None], top_k=1)
        assert found.candidates[0].subject == subject
        assert found.gallery_size == len(left)
    registry.close()

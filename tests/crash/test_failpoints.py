"""SIGKILL at every named failpoint: the index is what SQL says, no promise broken, no file left.

The audit log is whole, and speaks of every enrolment that is there.

WALKPRINT_FAILPOINT_TRIALS sets how often (`make test-crash` kills hundreds of times).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app import failpoints
from app.registry import Registry, Subject
from app.registry.audit.verifying import verify
from app.registry.signing import PublicKey, open_signer
from app.search import GallerySearch
from app.search.snapshots import Snapshots
from tests.crash.ledger import Ledger
from tests.crash.victim import GALLERIES, Plan, vector_of
from tests.enrolling import CHECKPOINT

_TRIALS = int(os.environ.get("WALKPRINT_FAILPOINT_TRIALS", "12"))
_ROOT = Path(__file__).parents[2]
# A victim re-embeds nothing and has no desk: tests/integration/test_reembedding_crash.py and
# tests/security/test_erasure.py kill there.
_ELSEWHERE = (failpoints.MID_REEMBEDDING, failpoints.BEFORE_DISCARD, failpoints.MID_SCRUB)
_HERE = tuple(name for name in failpoints.ALL if name not in _ELSEWHERE)
# Visits that most lives come to: commits are many, indexes are loaded and saved a few times.
_MOST_VISITS = {
    failpoints.BEFORE_COMMIT: 25,
    failpoints.AFTER_COMMIT: 25,
    failpoints.BEFORE_INDEX: 2,
    failpoints.MID_SNAPSHOT: 1,
    failpoints.MID_UPLOAD: 4,
    failpoints.MID_JOB: 4,
    failpoints.MID_LEASE: 4,
    failpoints.ERASURE_ASKED: 1,
    failpoints.MID_ERASURE: 1,
    failpoints.AFTER_ERASURE: 1,
}
# A fresh data folder now and then, or SQL would be read longer and longer.
_TRIALS_PER_FOLDER = 60


@contextmanager
def victims() -> Iterator[subprocess.Popen[str]]:
    """The process that victims are forked from."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.victim"],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def run(process: subprocess.Popen[str], plan: Plan) -> int:
    """Runs one victim to its end; gives its exit code, negative for a signal."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(plan.to_line())
    process.stdin.flush()
    return int(process.stdout.readline())


def check(database_url: str, data: Path, ledger_path: Path) -> None:
    """After a process has come and gone in peace."""
    signer = open_signer(data / "signing.key")
    registry = Registry.open(database_url, signer=signer)
    check_log(registry, signer.public)
    stored = {row.subject: row for row in everybody(registry)}
    ledger = Ledger.read(ledger_path)
    ledger.settle({name: row.gallery for name, row in stored.items()})

    assert {name: row.gallery for name, row in stored.items()} == ledger.homes
    # Jobs were applied once: every walk is there, and none twice.
    assert {name: row.walks for name, row in stored.items()} == {
        name: len(walks) for name, walks in ledger.walks.items()
    }
    assert registry.jobs.queued_ids(10) == ()
    snapshots = Snapshots(data / "snapshots", registry, least_templates=1)
    for search in (GallerySearch(registry, snapshots=snapshots), GallerySearch(registry)):
        check_index(search, ledger, {gallery.name for gallery in registry.galleries.list()})
        search.close()  # it may be writing a snapshot itself
    registry.close()
    left = [path for path in (data / "uploads").rglob("*") if path.is_file()]
    left += list((data / "snapshots").glob("*.part"))
    left += list((data / "instances").glob("*.lock"))
    assert left == []


def check_log(registry: Registry, key: PublicKey) -> None:
    """One chain to its signed end, with an entry for each enrolment that was committed."""
    with registry.audit.whole() as log:
        verify(log, [key])
    with registry.audit.whole() as log:
        deeds = [json.loads(entry.text) for entry in log.entries()]
    noted = sum(deed["details"]["walks"] for deed in deeds if deed["action"] == "subject.enrolled")
    erased = sum(
        deed["details"].get("walks", 1) for deed in deeds if deed["action"].endswith(".erased")
    )
    assert noted - erased == sum(row.walks for row in everybody(registry))


def check_index(search: GallerySearch, ledger: Ledger, galleries: set[str]) -> None:
    """Everybody who must be found is, where they are, and nobody else."""
    for gallery in sorted(galleries.intersection(GALLERIES)):
        people = {name for name, home in ledger.homes.items() if home == gallery}
        probes = [(name, walk) for name in people for walk in ledger.walks[name]]
        for name, walk in probes[-40:] or [("", "nobody")]:
            found = search.search(gallery, CHECKPOINT, vector_of(walk)[None], top_k=1000)
            assert {each.subject for each in found.candidates} == people
            assert found.gallery_size == len(people)
            if name:
                assert found.candidates[0].subject == name
                assert found.candidates[0].score > 0.999


def everybody(registry: Registry) -> list[Subject]:
    """All subjects of all galleries."""
    found: list[Subject] = []
    cursor: str | None = None
    while True:
        page = registry.subjects.list(limit=500, cursor=cursor)
        found += page.subjects
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_whatever_moment_a_process_is_killed_at(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database_url: str = request.getfixturevalue(f"{kind}_url")
    rng = random.Random(11)  # noqa: S311 - a seed, so that a failure can be seen again
    killed: Counter[str] = Counter()
    data, ledger = tmp_path / "data", tmp_path / "ledger"
    with victims() as process:
        for trial in range(_TRIALS):
            name = _HERE[trial % len(_HERE)]
            visits = rng.randint(1, _MOST_VISITS[name])
            code = run(process, Plan(database_url, str(data), str(ledger), trial, name, visits))
            assert code in (0, -signal.SIGKILL), f"trial {trial} at {name}:{visits}"
            killed[name] += code == -signal.SIGKILL
            # Whoever comes next finishes what was left, and goes in peace.
            assert run(process, Plan(database_url, str(data), str(ledger), trial, "", 0)) == 0
            check(database_url, data, ledger)
            if trial % _TRIALS_PER_FOLDER == _TRIALS_PER_FOLDER - 1:
                erase_everybody(database_url, data, ledger)

    # Not every life comes to its end: a victim may do too little to reach its failpoint.
    assert sum(killed.values()) > _TRIALS / 2, killed
    if 10 * len(_HERE) <= _TRIALS:
        assert min(killed[name] for name in _HERE) > 0, killed


def erase_everybody(database_url: str, data: Path, ledger: Path) -> None:
    """Begins anew, with revisions that go on."""
    registry = Registry.open(database_url, signer=open_signer(data / "signing.key"))
    for gallery in registry.galleries.list():
        registry.galleries.delete(gallery.name, force=True)
    registry.close()
    ledger.write_text("")

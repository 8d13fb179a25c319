"""Two processes over one database: what one acknowledged, the other knows at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.client import Client, Identification, WalkprintError
from app.demo.service_process import ServiceProcess
from tests.servers import PostgresServer
from tests.walks import walk_zip

_CLIENTS = 8
_PEOPLE = 25
_PAIRS_ON_SQLITE = 200
_PAIRS_ON_POSTGRES = 40


@pytest.fixture(params=["sqlite", "postgresql"])
def two_processes(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[ServiceProcess, ServiceProcess, int]]:
    """Two services on one data folder, and how many pairs to try."""
    environment = {"WALKPRINT_DEVICE": "cpu", "WALKPRINT_LOG_LEVEL": "warning"}
    pairs = _PAIRS_ON_SQLITE
    with ExitStack() as stack:
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            environment["WALKPRINT_DATABASE_URL"] = url = server.create_database()
            stack.callback(server.drop_database, url)
            pairs = _PAIRS_ON_POSTGRES
        one, other = (
            stack.enter_context(ServiceProcess(tmp_path, environment=environment)) for _ in range(2)
        )
        yield one, other, pairs


def _identified(client: Client, recording: Path, gallery: str, *, top_k: int = 5) -> Identification:
    """An answer goes with the subjects it names: where another thread erased one of them before it
    was read, the walk is sent again, as the problem advises."""
    while True:
        try:
            return client.identify(recording, gallery=gallery, top_k=top_k)
        except WalkprintError as gone:
            if gone.code != "unknown-job":
                raise


def test_an_acknowledged_enrolment_is_found_and_an_erased_subject_is_not(
    two_processes: tuple[ServiceProcess, ServiceProcess, int], tmp_path: Path
) -> None:
    first, second, pairs = two_processes
    recordings = [tmp_path / f"person-{person}.zip" for person in range(_PEOPLE)]
    for person, recording in enumerate(recordings):
        recording.write_bytes(walk_zip(100 + person))
    clients = Client(first.url), Client(second.url)

    def enrol_then_identify(number: int) -> None:
        # Each gallery holds every recording once, under a subject of its own.
        subject, gallery = f"s{number}", f"g{number // _PEOPLE}"
        recording = recordings[number % _PEOPLE]
        here, there = clients if number % 2 else clients[::-1]

        enrolled = here.enroll(subject, [recording], gallery=gallery)
        best = _identified(there, recording, gallery).candidates[0]
        assert (best.subject, best.walk) == (subject, enrolled.walks[0].id)
        assert best.score > 0.999

        if number % 3 == 0:
            there.delete_subject(subject, gallery=gallery)
            left = _identified(here, recording, gallery, top_k=50).candidates
            assert subject not in [candidate.subject for candidate in left]

    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(enrol_then_identify, range(pairs)))

    kept = {f"s{number}" for number in range(pairs) if number % 3}
    for client in clients:
        assert {row.subject for row in client.subjects(page_size=500)} == kept
        client.close()
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []

"""Nothing is left of an erased person: no byte, in any file, of what was known of them.

Everything that leaves copies is done with them first: enrolled with several walks, named as a
candidate and as a possible duplicate, merged, moved, exported, embedded anew, in a snapshot, in
failed and waiting jobs, under Idempotency-Keys.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from sqlalchemy import create_engine, select

from app import failpoints
from app.client import Client, WalkprintError
from app.demo.service_process import ServiceProcess
from app.registry import Registry
from app.registry.tables import subjects, templates
from app.search import GallerySearch
from app.search.snapshots import Snapshots
from tests.other_checkpoints import checkpoint_file, shipped_id
from tests.security.traces import Search, picture_traces, text_traces, vector_traces
from tests.servers import postgres_server, run_sql
from tests.walks import walk_zip

PERSON = "Østergård/4711 „zwei“"
NAME = "Wilhelmina Ærøskøbing"
BADGE = "Klärungsfall 93X"
FORMER = "visitor-Ünlü-8812"
FORMER_NAME = "Unbekannte Frau Öztürk"
BESIDE = "somebody-else"
SECRETS = (PERSON, NAME, BADGE, FORMER, FORMER_NAME)
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Place:
    """One service to look into.

    Attributes:
        data: its data folder, with its log.
        folders: all folders that anything of it may be in: data, temporary files, the database's.
        database_url: of its database.
    """

    data: Path
    folders: tuple[Path, ...]
    database_url: str


@contextmanager
def running(place: Place, **more: str) -> Iterator[tuple[ServiceProcess, Client]]:
    """The service in a process of its own, its log at its most talkative."""
    temporary = place.folders[1]
    temporary.mkdir(exist_ok=True)
    environment = {
        "WALKPRINT_DEVICE": "cpu",
        "WALKPRINT_WORKERS": "1",
        "WALKPRINT_LOG_LEVEL": "debug",
        "WALKPRINT_DATABASE_URL": place.database_url,
        "TMPDIR": str(temporary),
        **more,
    }
    with (
        ServiceProcess(place.data, environment=environment) as service,
        Client(service.url) as client,
    ):
        yield service, client


def live(client: Client, url: str, place: Place, walks_folder: Path) -> dict[str, list[bytes]]:
    """Does everything with the person that leaves copies; gives the traces to look for."""

    def walk(number: int, person: int = 1) -> Path:
        path = walks_folder / f"{person}-{number}.zip"
        path.write_bytes(walk_zip(person, walk=number))
        return path

    client.enroll(BESIDE, [walk(1, person=2)], gallery="office")
    client.enroll(
        PERSON,
        [walk(1), walk(2)],
        gallery="office",
        name=NAME,
        metadata={"badge": BADGE},
        idempotency_key="enrol-them",
    )
    alike = client.enroll(FORMER, [walk(3)], gallery="office", name=FORMER_NAME)
    assert PERSON in [each.subject for each in alike.possible_duplicates]
    found = client.identify(walk(4), gallery="office", idempotency_key="who-is-it")
    client.verify(walk(4), PERSON, gallery="office")
    with pytest.raises(WalkprintError):
        client.enroll(PERSON, [[b"no picture"]], gallery="office")
    client.patch_subject(PERSON, {"name": NAME.upper()})
    client.patch_subject(PERSON, {"name": NAME})
    client.merge_subject(FORMER, PERSON, gallery="office", idempotency_key="the-same")
    client.create_gallery("lab")
    client.move_subject(PERSON, "lab", idempotency_key="to-the-lab")
    client.export_gallery("lab", walks_folder / "lab.walkprint")
    embed_anew(client, walks_folder)
    client.identify(walk(4), gallery="lab")
    traces: dict[str, list[bytes]] = {}
    for secret in SECRETS:
        traces |= text_traces(secret, secret)
    for number, each in enumerate(client.walks(PERSON), start=1):
        traces |= picture_traces(f"GEI {number}", client.gei(each.id))
    probe = httpx.get(f"{url}{found.json['gei']}")
    traces |= picture_traces("GEI of a probe", probe.content)
    traces |= stored_vectors(place.database_url)
    client.submit("enroll", [walk(5)], {"subject": PERSON, "gallery": "lab"})
    return traces


def embed_anew(client: Client, folder: Path) -> None:
    """Has another checkpoint take over."""
    file = folder / "other.safetensors"
    file.write_bytes(checkpoint_file())
    other = client.checkpoints.install(file)
    client.checkpoints.activate(other.id)
    wait_until(lambda: client.checkpoints.get(other.id).json["active"])


def wait_until(is_so: Callable[[], object]) -> None:
    """Asks until it is so."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stored_vectors(database_url: str) -> dict[str, list[bytes]]:
    """The traces of the person's templates, by all checkpoints."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            select(templates.c.checkpoint_id, templates.c.vector)
            .join(subjects, subjects.c.id == templates.c.subject_id)
            .where(subjects.c.external_id == PERSON)
            .order_by(templates.c.id)
        ).all()
    engine.dispose()
    assert len(rows) == 6
    traces: dict[str, list[bytes]] = {}
    for number, row in enumerate(rows):
        traces |= vector_traces(f"template {number}", np.frombuffer(row.vector, "<f4"))
    return traces


def save_snapshot(place: Place, gallery: str = "lab") -> None:
    """Has the index on disk, which the service would do only in a larger gallery."""
    registry = Registry.open(place.database_url)
    snapshots = Snapshots(place.data / "snapshots", registry, least_templates=1)
    search = GallerySearch(registry, snapshots=snapshots)
    search.search(gallery, shipped_id(), np.eye(256, dtype=np.float32)[:1], top_k=1)
    search.close()
    registry.close()


def test_nothing_is_left_in_any_file(place: Place, tmp_path: Path) -> None:
    """Log, uploads, snapshots, temporary files and the database, whose copies are rewritten."""
    with running(place) as (service, client):
        traces = live(client, service.url, place, tmp_path)
        save_snapshot(place)
        search = Search(traces)
        maintain(place, "CHECKPOINT")
        there = set().union(*search.kinds_in_folders(place.folders).values())
        # What is looked for can be seen: all of it was stored, but for pixels and half precision.
        assert {kind for kind in traces if not kind.endswith(("pixels", "float16"))} <= there
        assert any(file.startswith("snapshots/") for file in search.kinds_in_folders(place.folders))
        receipt = client.delete_subject(PERSON).receipt
        assert receipt["statement"]["subject"] == PERSON
        maintain(place, "VACUUM FULL", "CHECKPOINT")
        wait_until(lambda: not search.kinds_in_folders(place.folders))
    assert search.kinds_in_folders(place.folders) == {}


@pytest.mark.parametrize(
    "failpoint",
    [
        failpoints.ERASURE_ASKED,
        failpoints.MID_ERASURE,
        failpoints.AFTER_ERASURE,
        failpoints.BEFORE_DISCARD,
        failpoints.MID_SCRUB,
    ],
)
def test_an_erasure_that_was_killed_is_finished_by_the_next_process(
    sqlite_place: Place, tmp_path: Path, failpoint: str
) -> None:
    """Nobody asks again: what was asked for is done, to the last byte."""
    place = sqlite_place
    with running(place, WALKPRINT_FAILPOINT=failpoint) as (service, client):
        walk = tmp_path / "walk.zip"
        walk.write_bytes(walk_zip(1))
        client.enroll(PERSON, [walk], name=NAME)
        save_snapshot(place, "default")
        search = Search(text_traces(PERSON, PERSON) | text_traces(NAME, NAME))
        assert search.kinds_in_folders(place.folders) != {}
        with suppress(WalkprintError, httpx.HTTPError):
            client.delete_subject(PERSON)
        service.wait()
    with running(place, WALKPRINT_LEASE_SECONDS="1") as (_, client):
        wait_until(lambda: not list(client.subjects()))
        wait_until(lambda: not search.kinds_in_folders(place.folders))
        wait_until(lambda: not list((place.data / "snapshots").glob("*.index")))


def maintain(place: Place, *commands: str) -> None:
    """What the operator of a database server does: docs/erasure.md. A file needs none."""
    if not place.database_url.startswith("sqlite"):
        run_sql(place.database_url, *commands)


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Place:
    data = tmp_path / "data"
    return Place(data, (data, tmp_path / "temporary"), f"sqlite:///{data / 'walkprint.db'}")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, sqlite_place: Place, tmp_path: Path) -> Iterator[Place]:
    """On PostgreSQL the folder of the tables is looked into; its log is recycled, never emptied."""
    if request.param == "sqlite":
        yield sqlite_place
        return
    with postgres_server() as server:
        yield Place(
            sqlite_place.data,
            (*sqlite_place.folders, Path(server.program.pgdata) / "base"),
            server.create_database(),
        )

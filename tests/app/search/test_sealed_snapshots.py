"""With a master key a snapshot is encrypted as well: nothing of it is readable, or changeable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.registry import Registry
from app.registry.sealing import MasterKeySource
from app.search import GallerySearch, Snapshots
from tests.enrolling import CHECKPOINT, enroll, unit_vector
from tests.sealing import KEY, OTHER_KEY, master_keys_of

PEOPLE = 700
DIMENSIONS = 1024  # 2.9 MB in all: three records
HEAD_BYTES, RECORD_BYTES = 65, (1 << 20) + 16


@pytest.fixture
def master_keys() -> MasterKeySource:
    """What `registry` encrypts with."""
    return master_keys_of(KEY)


@pytest.fixture
def people(registry: Registry) -> None:
    """Some hundred people, whose snapshot is more than one record long."""
    for number in range(0, PEOPLE, 100):
        vectors = [unit_vector(number + walk, DIMENSIONS) for walk in range(100)]
        enroll(registry, f"s{number}", vectors)


@pytest.fixture
def saved(registry: Registry, people: None, tmp_path: Path) -> Path:
    """The snapshot that a process left when it ended."""
    return saved_by(registry, tmp_path / "snapshots")


@pytest.fixture
def reopened(database_url: str) -> Iterator[Callable[[MasterKeySource | None], Registry]]:
    """Opens the same database with other keys."""
    opened: list[Registry] = []

    def reopen(keys: MasterKeySource | None) -> Registry:
        opened.append(Registry.open(database_url, master_keys=keys))
        return opened[-1]

    yield reopen
    for each in opened:
        each.close()


def saved_by(registry: Registry, folder: Path) -> Path:
    """Writes the snapshot of the gallery."""
    search = GallerySearch(registry, snapshots=Snapshots(folder, registry, least_templates=1))
    assert best(search) == "s0"
    search.close()
    (path,) = folder.glob("*.index")
    return path


def best(search: GallerySearch) -> str:
    """Who is closest to the first vector."""
    result = search.search("default", CHECKPOINT, unit_vector(7, DIMENSIONS)[None], top_k=1)
    return result.candidates[0].subject


def source(registry: Registry, folder: Path, logged: pytest.CaptureFixture[str]) -> str:
    """What an index is loaded from, as the log says."""
    logged.readouterr()
    search = GallerySearch(registry, snapshots=Snapshots(folder, registry, least_templates=1))
    assert best(search) == "s0"
    search.close()
    (loaded,) = [line for line in logged.readouterr().out.splitlines() if "source=" in line]
    return loaded.split("source=")[1].split()[0]


def test_no_vector_and_no_name_of_a_checkpoint_is_in_an_encrypted_snapshot(saved: Path) -> None:
    content = saved.read_bytes()
    assert len(content) > 2 * RECORD_BYTES
    assert [n for n in range(PEOPLE) if unit_vector(n, DIMENSIONS).tobytes() in content] == []
    assert CHECKPOINT.encode() not in content


def test_without_a_master_key_every_vector_is(database_url: str, tmp_path: Path) -> None:
    plain = Registry.open(database_url)
    enroll(plain, "s0", [unit_vector(7, DIMENSIONS)])
    content = saved_by(plain, tmp_path / "snapshots").read_bytes()
    plain.close()
    assert unit_vector(7, DIMENSIONS).tobytes() in content


def test_a_start_reads_the_encrypted_snapshot(
    registry: Registry, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert source(registry, saved.parent, capsys) == "snapshot"


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda whole: whole[:-1], id="a byte short"),
        pytest.param(lambda whole: whole + b"\0", id="a byte long"),
        pytest.param(lambda whole: whole[: HEAD_BYTES + RECORD_BYTES], id="without later records"),
        pytest.param(lambda whole: whole[:40], id="a torn head"),
        pytest.param(lambda whole: whole[:HEAD_BYTES], id="a head alone"),
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]), id="a changed bit"),
        pytest.param(
            lambda whole: whole[:40] + bytes([whole[40] ^ 1]) + whole[41:], id="another salt"
        ),
        pytest.param(
            lambda whole: (
                whole[:HEAD_BYTES]
                + whole[HEAD_BYTES + RECORD_BYTES : HEAD_BYTES + 2 * RECORD_BYTES]
                + whole[HEAD_BYTES : HEAD_BYTES + RECORD_BYTES]
                + whole[HEAD_BYTES + 2 * RECORD_BYTES :]
            ),
            id="records that changed places",
        ),
    ],
)
def test_a_changed_one_is_deleted_and_replaced_by_sql(
    registry: Registry,
    saved: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    harm: Callable[[bytes], bytes],
) -> None:
    saved.write_bytes(harm(saved.read_bytes()))
    assert source(registry, saved.parent, capsys) == "SQL"
    assert source(registry, saved.parent, capsys) == "snapshot"


def test_one_of_an_older_master_key_is_read_while_that_is_set(
    saved: Path,
    reopened: Callable[[MasterKeySource | None], Registry],
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry = reopened(master_keys_of(OTHER_KEY, KEY))
    assert source(registry, saved.parent, capsys) == "snapshot"


def test_a_plain_one_does_not_survive_the_start_of_a_service_with_a_key(
    database_url: str, tmp_path: Path, reopened: Callable[[MasterKeySource | None], Registry]
) -> None:
    plain = reopened(None)
    enroll(plain, "s0", [unit_vector(7, DIMENSIONS)])
    path = saved_by(plain, tmp_path / "snapshots")
    Snapshots(path.parent, reopened(master_keys_of(KEY))).discard_outdated()
    assert not path.exists()


def test_one_of_a_key_that_is_no_longer_set_is_deleted(
    saved: Path, reopened: Callable[[MasterKeySource | None], Registry]
) -> None:
    Snapshots(saved.parent, reopened(master_keys_of(OTHER_KEY))).discard_outdated()
    assert not saved.exists()

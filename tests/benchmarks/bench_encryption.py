"""What encryption at rest costs: the same work on plain and on encrypted data, turn by turn.

The limit stands first: what AES-256-GCM alone takes, and one call of it. Then, by CPU time of this
process: an enrolment, a picture that is read, and the start of an index of many templates, one a
subject and ten a subject, from SQLite, from PostgreSQL and from a snapshot.

    python -m tests.benchmarks.bench_encryption --templates 1000000
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from app.registry import Registry
from app.registry.sealing import MasterKeySource, open_master_keys
from app.search import GallerySearch, Snapshots
from tests.benchmarks.registry_filling import CHECKPOINT, GALLERY, fill
from tests.benchmarks.timing import cpu_milliseconds
from tests.enrolling import enroll, unit_vector
from tests.gallery_files import gei_png
from tests.servers import PostgresServer, postgres_server

_SIZE = 256
_KINDS = ("plain", "encrypted")
_MIB = 1 << 20


def main() -> None:
    """Runs all and prints one table a part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=100_000, help="in each index")
    parser.add_argument("--rounds", type=int, default=3, help="starts of each kind")
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    _print_limit()
    with tempfile.TemporaryDirectory() as temporary, postgres_server() as server:
        folder = Path(temporary)
        _print_small(folder, server)
        for walks_per_subject in (1, 10):
            for database in ("SQLite", "PostgreSQL"):
                with _database(folder, server, database) as url:
                    _print_starts(url, folder, database, wanted, walks_per_subject)


def _print_limit() -> None:
    """AES-256-GCM by itself, on this machine."""
    cipher, nonce, place = AESGCM(os.urandom(32)), os.urandom(12), os.urandom(60)
    key = os.urandom(32)
    vector, large = os.urandom(4 * _SIZE), os.urandom(_MIB)
    sealed, wrapped = cipher.encrypt(nonce, vector, place), cipher.encrypt(nonce, key, place)
    sealed_large = cipher.encrypt(nonce, large, place)

    def often(call: Callable[[], object], times: int) -> Callable[[], None]:
        def calls() -> None:
            for _ in range(times):
                call()

        return calls

    taken = cpu_milliseconds(
        {
            "vector": often(lambda: cipher.decrypt(nonce, sealed, place), 1000),
            "key": often(lambda: AESGCM(cipher.decrypt(nonce, wrapped, place)), 1000),
            "large": often(lambda: cipher.decrypt(nonce, sealed_large, place), 10),
        },
        rounds=15,
    )
    print(f"AES-256-GCM alone: {10 * _MIB / taken['large'] / 1e6:.1f} GB/s in pieces of 1 MiB")  # noqa: T201
    print(f"  {taken['vector']:.2f} µs for a vector of {_SIZE}, {taken['key']:.2f} µs for a key")  # noqa: T201


def _print_small(folder: Path, server: PostgresServer) -> None:
    """One enrolment and one picture."""
    for database in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            registries = {
                kind: stack.enter_context(_opened(url, keys))
                for kind, keys in zip(_KINDS, (None, _master_keys()), strict=True)
                for url in [stack.enter_context(_database(folder / kind, server, database))]
            }
            for registry in registries.values():
                registry.migrate()
            new = {
                kind: partial(_enrol_new, registry, count())
                for kind, registry in registries.items()
            }
            _print_ratio(f"{database}: enrolment of somebody new", cpu_milliseconds(new, 200))
            known = {
                kind: partial(_enrol, registry, "one") for kind, registry in registries.items()
            }
            _print_ratio(f"{database}: enrolment of somebody known", cpu_milliseconds(known, 200))
            read = {
                kind: partial(registry.walks.gei_png, _enrol(registry, "two"))
                for kind, registry in registries.items()
            }
            _print_ratio(f"{database}: a picture read", cpu_milliseconds(read, 200))


def _enrol(registry: Registry, subject: str) -> str:
    """Enrols one walk; returns its id."""
    return enroll(registry, subject, [unit_vector(1, _SIZE)], gei_png=gei_png(1)).walks[0]


def _enrol_new(registry: Registry, numbers: Iterator[int]) -> None:
    _enrol(registry, f"s{next(numbers)}")


def _print_starts(
    url: str, folder: Path, database: str, wanted: argparse.Namespace, walks_per_subject: int
) -> None:
    """The first search after a start, from SQL and from a snapshot; before and after `apply`."""
    fill(url, wanted.templates, _SIZE, walks_per_subject)
    from_sql: dict[str, float] = {}
    from_snapshot: dict[str, float] = {}
    for kind, keys in zip(_KINDS, (None, _master_keys()), strict=True):
        with _opened(url, keys) as registry:
            if keys is not None:
                began = time.process_time()
                people = sum(registry.encryption.apply())
                seconds = time.process_time() - began
                print(  # noqa: T201
                    f"{database}: applied to {people} subjects, "
                    f"{1e6 * seconds / wanted.templates:.0f} µs a walk with its template"
                )
                registry.scrub()
            snapshots = folder / f"snapshots-{kind}"
            from_sql |= cpu_milliseconds({kind: partial(_start, registry, None)}, wanted.rounds)
            _start(registry, snapshots)
            from_snapshot |= cpu_milliseconds(
                {kind: partial(_start, registry, snapshots)}, wanted.rounds
            )
            shutil.rmtree(snapshots)
    what = f"{wanted.templates} templates, {walks_per_subject} a subject"
    _print_ratio(f"{database}: start from SQL, {what}", from_sql)
    _print_ratio(f"{database}: start from a snapshot, {what}", from_snapshot)


def _start(registry: Registry, snapshots: Path | None) -> None:
    search = GallerySearch(
        registry,
        snapshots=None if snapshots is None else Snapshots(snapshots, registry),
    )
    search.search(GALLERY, CHECKPOINT, unit_vector(1, _SIZE)[None], top_k=5)
    search.close()


def _print_ratio(what: str, milliseconds: Mapping[str, float]) -> None:
    plain, encrypted = (milliseconds[kind] for kind in _KINDS)
    print(f"{what}: {plain:.2f} ms plain, {encrypted:.2f} ms encrypted, × {encrypted / plain:.2f}")  # noqa: T201


@contextmanager
def _database(folder: Path, server: PostgresServer, kind: str) -> Iterator[str]:
    """An empty database, removed at the end."""
    if kind == "PostgreSQL":
        url = server.create_database()
        yield url
        server.drop_database(url)
        return
    with tempfile.TemporaryDirectory(dir=_made(folder)) as own:
        yield f"sqlite:///{own}/walkprint.db"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _opened(url: str, keys: MasterKeySource | None) -> Iterator[Registry]:
    registry = Registry.open(url, master_keys=keys)
    try:
        yield registry
    finally:
        registry.close()


def _master_keys() -> MasterKeySource | None:
    key = base64.b64encode(os.urandom(32)).decode()
    return open_master_keys(SecretStr(key), None, None)


if __name__ == "__main__":
    main()

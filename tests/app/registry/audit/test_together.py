"""Many writers, and copies: the log stays one chain."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from app.registry import Registry
from app.registry.audit.verifying import verify
from app.registry.backup import back_up, restore
from app.registry.signing import Signer, open_signer
from tests.app.registry.audit.appending_process import THREADS
from tests.app.registry.audit.reading import noted

EACH = 25


def test_processes_and_their_threads_append_to_one_chain(database_url: str, tmp_path: Path) -> None:
    key_file = tmp_path / "signing.key"
    processes = [
        subprocess.Popen(  # noqa: S603 (this interpreter, our script)
            [
                *(sys.executable, "-m", "tests.app.registry.audit.appending_process"),
                *(database_url, str(key_file), str(number), str(EACH)),
            ],
            stdin=subprocess.PIPE,
        )
        for number in range(2)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"now\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
        assert process.returncode == 0

    registry = Registry.open(database_url)
    with registry.audit.whole() as log:
        found = verify(log, [open_signer(key_file).public])
    registry.close()
    assert found.entries == 2 * THREADS * EACH
    in_order: dict[str, list[object]] = defaultdict(list)
    for entry in noted(database_url):
        in_order[entry.actor].append(entry.details["subject"])
    assert list(in_order.values()) == [list(range(EACH))] * (2 * THREADS)


def test_the_log_of_a_restored_backup_is_whole_and_says_so(
    sqlite_url: str, tmp_path: Path, signer: Signer
) -> None:
    database, file = Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "backup.db"
    registry = Registry.open(sqlite_url, signer=signer)
    registry.galleries.create("lab")
    back_up(database, file, signer=signer)
    registry.galleries.delete("lab")
    replaced = registry.audit.head()
    registry.close()

    restore(file, database, signer=signer)

    restored = Registry.open(sqlite_url, signer=signer)
    restored.galleries.delete("lab")
    with restored.audit.whole() as log:
        assert verify(log, [signer.public]).entries == 4
    restored.close()
    assert replaced is not None
    assert [each[1:] for each in noted(sqlite_url)[1:3]] == [
        ("backup.made", {}),
        (
            "backup.restored",
            {"replaced_seq": replaced.seq, "replaced_hash": replaced.hash.hex()},
        ),
    ]

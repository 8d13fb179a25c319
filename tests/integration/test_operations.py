"""What docs/operations.md says to type for backups, restores and new keys works as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.demo.service_process import ServiceProcess
from app.registry import Registry
from tests.enrolling import enroll, unit_vector
from tests.servers import PostgresServer
from tests.walks import walk_zip

_PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def commands(section: str, containing: str) -> str:
    """The one block of shell commands of a section that holds a word."""
    page = _PAGE.read_text(encoding="utf-8")
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## )", page, flags=re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if containing in block]
    return str(found)


@dataclass(frozen=True)
class Desk:
    """An operator's: where the service's data lie, and the two places of their own."""

    data: Path
    backups: Path
    secrets: Path

    @classmethod
    def set_up(cls, folder: Path) -> Desk:
        """Makes the places."""
        desk = cls(folder / "data", folder / "backups", folder / "secrets")
        for place in (desk.data, desk.backups, desk.secrets):
            place.mkdir()
        return desk

    def type(self, typed: str, **more: str) -> str:
        """Runs commands as a shell does, to the first that fails; gives what they print."""
        environment = os.environ | {
            "WALKPRINT_DATA": str(self.data),
            "WALKPRINT_MASTER_KEY_FILE": str(self.master_keys),
            "BACKUPS": str(self.backups),
            "SECRETS": str(self.secrets),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        done = subprocess.run(  # noqa: S603 - our own page
            ["bash", "-ec", typed],  # noqa: S607 - found on PATH
            env=environment | more,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    @property
    def master_keys(self) -> Path:
        """The file of master keys."""
        return self.secrets / "master.key"

    def service(self) -> ServiceProcess:
        """A service on the data."""
        return ServiceProcess(
            self.data, environment={"WALKPRINT_MASTER_KEY_FILE": str(self.master_keys)}
        )


@pytest.mark.timeout(600)
def test_a_service_is_backed_up_lost_restored_and_has_new_keys(tmp_path: Path) -> None:
    desk = Desk.set_up(tmp_path)
    desk.type('walkprint encryption new-key "$WALKPRINT_MASTER_KEY_FILE"')
    admin = desk.type("walkprint keys create operator --scope admin").strip()
    old = desk.type("walkprint keys create 'front door' --scope identify").strip()
    with desk.service() as service:
        assert _send(service, admin, "/enroll", 1, subject="before").status_code == 201
        desk.type(commands("Back up", "walkprint backup"))
        assert _send(service, admin, "/enroll", 2, subject="after").status_code == 201

        desk.type(commands("Rotate keys", "keys revoke"), OLD_KEY_ID=old.split("_")[1])
        new = (desk.secrets / "front-door").read_text().strip()
        assert [_send(service, each, "/identify", 2).status_code for each in (old, new)] == [
            401,
            200,
        ]

        shutil.copy(desk.master_keys, desk.secrets / "master-before.key")
        desk.type(commands("Rotate keys", "encryption rotate"))
        first, second = desk.master_keys.read_text().split()
        desk.master_keys.write_text(f"{first}\n")  # as the page says: drop the other lines
        answer = _send(service, new, "/identify", 1).json()
        assert answer["subject"] == "before"

    # The backup was made under the old key.
    shutil.rmtree(desk.data)
    desk.data.mkdir()
    shutil.copy(desk.secrets / "master-before.key", desk.master_keys)
    assert desk.master_keys.read_text().split() == [second]
    desk.type(commands("Restore", "walkprint restore"))
    desk.type(commands("Rotate keys", "mv "))
    with desk.service() as service:
        assert _send(service, admin, "/identify", 1).json()["subject"] == "before"
        assert _send(service, admin, "/identify", 2).json()["decision"] == "unknown"
        desk.type(commands("Rotate keys", "audit verify"))


def _send(
    service: ServiceProcess, key: str, path: str, person: int, **fields: str
) -> httpx.Response:
    return httpx.post(
        f"{service.url}{path}",
        data=fields,
        files={"walk": ("walk.zip", walk_zip(person, walk=2 if path == "/identify" else 1))},
        headers={"Authorization": f"Bearer {key}"},
        timeout=300.0,
    )


def test_a_postgresql_is_dumped_and_restored(postgres: PostgresServer, tmp_path: Path) -> None:
    desk = Desk.set_up(tmp_path)
    url = postgres.create_database()
    registry = Registry.open(url)
    registry.migrate()
    enroll(registry, "before", [unit_vector(1)])
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    before = registry.epoch()
    # The server's own programs first: a dump needs one that is as new.
    path = os.pathsep.join([str(postgres.program.bin_path), os.environ["PATH"]])

    desk.type(commands("Back up", "pg_dump"), DATABASE=address, PATH=path)
    enroll(registry, "after", [unit_vector(2)])
    registry.close()
    desk.type(commands("Restore", "pg_restore"), DATABASE=address, PATH=path)
    registry = Registry.open(url)
    registry.migrate()
    subjects = registry.subjects.list().subjects

    assert [each.subject for each in subjects] == ["before"]
    assert registry.epoch() != before
    registry.close()

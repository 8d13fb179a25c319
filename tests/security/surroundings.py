"""Real surroundings to break: a small disk, a PostgreSQL whose user is no administrator."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.programs import none_is_left_out
from tests.servers import PostgresServer, run_sql

SECRET = "a-password-nobody-may-see"  # noqa: S105 - of a role that lives for one test


@contextmanager
def small_disk(folder: Path, *, size_mib: int) -> Iterator[Path]:
    """A file system of its own on a folder; where nobody may mount one, the test is left out as
    those are that lack a program."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0700", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode != 0:
        reason = "mounting a small disk takes the right to mount (root)"
        if none_is_left_out():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - the same


def fill(disk: Path) -> Path:
    """Takes all the room there is; returns the file that holds it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(64 * 1024))
        except OSError:
            return ballast


def url_of_role(server: PostgresServer, *, connections: int = -1) -> str:
    """A new database's URL for somebody who is not the administrator, with a password in it.

    Args:
        server: gets the database and the role.
        connections: how many the role may have; -1 for any number.
    """
    url = make_url(server.create_database())
    role = f"role_of_{url.database}"
    run_sql(
        server.url,
        f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}' CONNECTION LIMIT {connections}",
        f'ALTER DATABASE "{url.database}" OWNER TO {role}',
    )
    return url.set(username=role, password=SECRET).render_as_string(hide_password=False)

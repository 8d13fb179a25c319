"""What the service says of itself to those who run it."""

from __future__ import annotations

import platform
from importlib.metadata import version

from tests.live_service import LiveService


def test_the_service_names_its_version_and_its_parts(service: LiveService) -> None:
    assert service.http.get("/service").json() == {
        "version": version("walkprint"),
        "python": platform.python_version(),
        "database": "SQLite",
        "queue": "own",
        "index": "exact",
        "storage": "folder",
        "encrypted": False,
        "tokens": False,
    }

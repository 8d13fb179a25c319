"""An empty registry on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.registry import Registry
from app.registry.sealing import MasterKeySource


@pytest.fixture
def registry(database_url: str, master_keys: MasterKeySource | None) -> Iterator[Registry]:
    """An empty registry."""
    opened = Registry.open(database_url, master_keys=master_keys)
    yield opened
    opened.close()

"""An empty registry on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.registry import Registry


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    """An empty registry."""
    opened = Registry.open(database_url)
    yield opened
    opened.close()

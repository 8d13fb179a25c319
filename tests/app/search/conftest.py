"""An empty registry on each kind of database, and searches of it by each kind of index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from app.registry import Registry
from app.registry.sealing import MasterKeySource
from app.search import GallerySearch
from app.search.milvus import MilvusIndexes
from tests.milvus import MilvusServer, milvus_server

OpenSearch: TypeAlias = Callable[[], GallerySearch]
"""Opens a search as another process of the service would; the fixture closes it."""


@pytest.fixture
def registry(database_url: str, master_keys: MasterKeySource | None) -> Iterator[Registry]:
    """An empty registry."""
    opened = Registry.open(database_url, master_keys=master_keys)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """One Milvus Lite for the session, as a server that several clients may use."""
    folder: Path = tmp_path_factory.mktemp("milvus")
    with milvus_server(folder) as server:
        yield server


@pytest.fixture(params=["memory", "milvus"])
def open_search(request: pytest.FixtureRequest, registry: Registry) -> Iterator[OpenSearch]:
    """Searches by vectors in memory, and by vectors in Milvus."""
    opened: list[GallerySearch] = []

    def in_memory() -> GallerySearch:
        opened.append(GallerySearch(registry))
        return opened[-1]

    def in_milvus() -> GallerySearch:
        opened.append(GallerySearch(registry, indexes=MilvusIndexes(registry, server.connect())))
        return opened[-1]

    if request.param == "memory":
        yield in_memory
    else:
        server: MilvusServer = request.getfixturevalue("milvus").apart()
        yield in_milvus
    for search in opened:
        search.close()

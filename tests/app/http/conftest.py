"""One service for all tests of HTTP; each test has a gallery of its own."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import pytest

from app.settings import Settings
from tests.live_service import LiveService, live_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service with an upload limit of 2 MB."""
    settings = Settings(
        data=tmp_path_factory.mktemp("service"), device="cpu", max_upload_bytes=2_000_000
    )
    with live_service(settings) as running:
        yield running


@pytest.fixture
def gallery(request: pytest.FixtureRequest) -> str:
    """A name no other test uses."""
    return f"of-test-{zlib.crc32(request.node.nodeid.encode()):08x}"

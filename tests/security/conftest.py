"""One service with keys for all tests of who may do what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.security.roles import Roles, service_with_keys


@pytest.fixture(scope="session")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    """Failures are not counted: whoever asks for everything without a key fails often."""
    with service_with_keys(tmp_path_factory.mktemp("roles"), failures_per_minute=0) as running:
        yield running

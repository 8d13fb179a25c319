"""`/galleries/{gallery}/protection`, the client's calls and the commands for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.client import Client, WalkprintError
from app.settings import Settings
from tests.app.command import runner
from tests.live_service import LiveService, live_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A running service without a master key."""
    data: Path = tmp_path_factory.mktemp("service")
    with live_service(Settings(data=data, device="cpu")) as running:
        yield running


def test_without_a_master_key_protection_is_refused_with_the_way_out(service: LiveService) -> None:
    service.http.post("/galleries", json={"name": "office"})
    answer = service.http.put("/galleries/office/protection")
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"].endswith("/protection-needs-master-key")
    assert "docs/encryption.md" in problem["advice"]
    assert service.http.get("/galleries/office").json()["protected"] is False

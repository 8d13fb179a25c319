"""A service with a master key answers as any other, and keeps nothing on disk that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.client import Client
from app.settings import Settings
from tests.live_service import LiveService, live_service
from tests.sealing import KEY
from tests.walks import walk_zip

PNG_HEAD_BYTES = 24


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service with a master key."""
    settings = Settings(
        data=tmp_path_factory.mktemp("encrypted"), device="cpu", master_key=SecretStr(KEY)
    )
    with live_service(settings) as running:
        yield running


@pytest.fixture
def zipped(tmp_path: Path) -> list[Path]:
    """Two walks of one person."""
    files = [tmp_path / f"{walk}.zip" for walk in (1, 2)]
    for walk, file in enumerate(files, start=1):
        file.write_bytes(walk_zip(1, walk=walk))
    return files


def test_whoever_is_enrolled_is_recognised_and_no_picture_is_on_the_disk(
    encrypted: LiveService, zipped: list[Path]
) -> None:
    with Client(encrypted.url) as client:
        client.enroll("ada", [zipped[0]])
        found = client.identify(zipped[1])
        assert found.subject == "ada"
        (walk,) = encrypted.http.get("/subjects/ada/walks").json()["walks"]
        pictures = [
            encrypted.http.get(f"/walks/{walk['id']}/gei.png").content,
            encrypted.http.get(found.json["gei"]).content,
        ]
    database = encrypted.settings.data / "walkprint.db"
    stored = b"".join(file.read_bytes() for file in database.parent.glob("walkprint.db*"))
    for picture in pictures:
        assert len(picture) > 500
        assert picture[PNG_HEAD_BYTES:] not in stored
    status = encrypted.registry.encryption.status()
    assert (status.walks, status.walks_plain, status.templates_plain) == (1, 0, 0)

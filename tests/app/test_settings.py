"""Settings come from the environment, and have defaults that work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings
from app.storage_place import StoragePlace


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"WALKPRINT_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_everything_has_a_default_and_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings()
    assert settings.resolved_database_url == f"sqlite:///{tmp_path / 'data' / 'walkprint.db'}"
    assert settings.uploads_folder == Path("data/uploads")
    assert settings.is_loopback
    assert settings.workers >= 1


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALKPRINT_DATA", "/srv/walkprint")
    monkeypatch.setenv("WALKPRINT_TARGET_FPIR", "0.05")
    monkeypatch.setenv("WALKPRINT_DATABASE_URL", "postgresql://db/walkprint")
    settings = Settings()
    assert settings.target_fpir == 0.05
    assert settings.resolved_database_url == "postgresql://db/walkprint"
    assert settings.uploads_folder == Path("/srv/walkprint/uploads")


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("TRACES", "DATABASE_CONNECTIONS", "ALLOWED_HOSTS", "WAIT_SECONDS")
    for name in names:
        monkeypatch.setenv(f"WALKPRINT_{name}", "")
    with_empty = Settings()
    for name in names:
        monkeypatch.delenv(f"WALKPRINT_{name}")
    assert with_empty == Settings()


@pytest.mark.parametrize("secret", ["MASTER_KEY", "BROKER_URL", "BOOTSTRAP_KEY"])
def test_an_empty_secret_is_refused(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv(f"WALKPRINT_{secret}", "")
    with pytest.raises(ValueError, match=f"WALKPRINT_{secret} is empty"):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "70000"),
        ("target_fpir", "1"),
        ("device", "tpu"),
        ("workers", "0"),
        ("segmenter", "people.onnx"),
        ("segmenter", "onnx:"),
        ("index", "milvus"),
        ("milvus_prefix", "walk print"),
    ],
)
def test_a_value_that_cannot_work_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"WALKPRINT_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        Settings()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - the very thing to be told apart
        ("192.168.1.7", False),
        ("gait.example.org", False),
    ],
)
def test_only_this_machine_counts_as_loopback(host: str, loopback: bool) -> None:
    assert Settings(host=host).is_loopback is loopback


@pytest.mark.parametrize(
    ("issuer", "audience"),
    [
        ("https://issuer.example", None),
        (None, "walkprint"),
        ("http://issuer.example", "walkprint"),
        ("https://user:secret@issuer.example", "walkprint"),
        ("file:///etc/issuer", "walkprint"),
    ],
)
def test_an_issuer_is_set_with_an_audience_and_is_asked_over_https(
    issuer: str | None, audience: str | None
) -> None:
    with pytest.raises(ValidationError, match="oidc_issuer"):
        Settings(oidc_issuer=issuer, oidc_audience=audience)
    assert Settings(oidc_issuer="https://issuer.example", oidc_audience="walkprint").oidc_audience
    assert Settings(
        oidc_issuer="http://127.0.0.1:8080/realm", oidc_audience="walkprint"
    ).oidc_issuer


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("/srv/uploads", StoragePlace(folder=Path("/srv/uploads"))),
        ("file:///srv/my%20uploads", StoragePlace(folder=Path("/srv/my uploads"))),
        ("s3://gait", StoragePlace(bucket="gait")),
        ("s3://gait/a/b/", StoragePlace(bucket="gait", prefix="a/b/")),
    ],
)
def test_uploads_lie_where_the_setting_says(said: str, place: StoragePlace) -> None:
    assert Settings(storage=said).storage_place == place


@pytest.mark.parametrize(
    "said",
    [
        "uploads",
        "file://server/uploads",
        "gs://gait",
        "s3://",
        "s3://Gait",
        "s3://key:secret@gait",
        "s3://gait/a?b",
    ],
)
def test_a_storage_that_cannot_be_is_refused_at_start(said: str) -> None:
    with pytest.raises(ValidationError, match="storage"):
        Settings(storage=said)


def test_a_bucket_without_s3fs_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)  # as Python marks what cannot be imported

    with pytest.raises(ValidationError, match=r"pip install 'walkprint\[s3\]'"):
        Settings(storage="s3://gait")


def test_an_endpoint_belongs_to_a_bucket() -> None:
    with pytest.raises(ValidationError, match="s3://"):
        Settings(storage="/srv/uploads", storage_endpoint="http://127.0.0.1:9000")
    with pytest.raises(ValidationError, match="storage_endpoint"):
        Settings(storage="s3://gait", storage_endpoint="http://key:secret@host")

"""Secrets come as files where a platform hands them over so, and never by two ways at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.secret_files import SecretFileUnusable, secret_names
from app.settings import Settings
from tests.app.command import runner

_URL = "postgresql+psycopg://walkprint:a-secret-word@database/walkprint"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"WALKPRINT_{name.upper()}", raising=False)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file with a line end, as every editor leaves it."""
    file = tmp_path / "database_url"
    file.write_text(_URL + "\n")
    return file


def test_a_secret_is_read_from_the_file_its_variable_names(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv("WALKPRINT_DATABASE_URL_FILE", str(secret))
    assert Settings().resolved_database_url == _URL
    assert "a-secret-word" not in repr(Settings())


def test_what_a_caller_says_stands_before_the_file(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv("WALKPRINT_DATABASE_URL_FILE", str(secret))
    assert Settings(database_url="sqlite:///other.db").database_url == "sqlite:///other.db"


def test_every_setting_that_is_not_shown_may_be_a_file_and_no_other() -> None:
    names = secret_names(Settings)
    assert {"database_url", "bootstrap_key", "old_master_keys"} <= set(names)
    # `master_key_file` is a setting of its own, which holds the old keys as well.
    assert "master_key" not in names
    assert not {"data", "port", "host", "signing_key", "oidc_issuer"} & set(names)


def test_a_secret_that_is_set_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv("WALKPRINT_DATABASE_URL_FILE", str(secret))
    monkeypatch.setenv("WALKPRINT_DATABASE_URL", _URL)
    with pytest.raises(SecretFileUnusable, match="one is enough"):
        Settings()


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff\xfe", b"x" * 70_000])
def test_a_file_that_holds_no_secret_is_refused_without_its_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "broken"
    file.write_bytes(content)
    monkeypatch.setenv("WALKPRINT_BOOTSTRAP_KEY_FILE", str(file))
    with pytest.raises(SecretFileUnusable, match="WALKPRINT_BOOTSTRAP_KEY_FILE") as refused:
        Settings()
    assert "xxx" not in str(refused.value)
    assert "two" not in str(refused.value)


def test_serve_says_in_one_sentence_which_file_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WALKPRINT_DATABASE_URL_FILE", str(tmp_path / "nothing"))
    said = runner(capsys)("serve")
    assert said.code == 1
    assert "WALKPRINT_DATABASE_URL_FILE cannot be read: No such file" in said.err

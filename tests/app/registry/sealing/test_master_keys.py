"""Master keys are said in base64, by the environment or a file, and never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.registry.sealing import MasterKeyMissing, MasterKeyUnusable, StoredDataDamaged
from app.registry.sealing.master_keys import (
    MasterKeySource,
    Wrapped,
    new_master_key,
    open_master_keys,
)
from tests.sealing import KEY, OTHER_KEY, master_keys_of


def opened(file: Path) -> MasterKeySource:
    """The keys of a file."""
    source = open_master_keys(None, None, file)
    assert source is not None
    return source


def write(file: Path, *lines: str) -> None:
    """Replaces a file of keys, as `walkprint encryption new-key` does."""
    part = file.with_suffix(".part")
    part.write_text("\n".join(lines))
    part.replace(file)


def test_without_a_setting_there_is_no_key() -> None:
    assert open_master_keys(None, None, None) is None


@pytest.mark.parametrize("wrong", ["", "secret", KEY[:-4], KEY + KEY, "ä" * 44, KEY[:-2] + "!="])
def test_what_is_no_key_is_refused_without_being_repeated(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(MasterKeyUnusable, match="not 32 bytes in base64") as refused:
        open_master_keys(SecretStr(wrong), None, None)
    assert wrong == "" or wrong not in str(refused.value)
    file = tmp_path / "master.key"
    write(file, KEY, wrong or "=")
    with pytest.raises(MasterKeyUnusable, match="Key 2"):
        opened(file)


def test_a_file_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    with pytest.raises(MasterKeyUnusable, match="cannot be read"):
        opened(file)
    write(file, "", "  ")
    with pytest.raises(MasterKeyUnusable, match="no key in"):
        opened(file)


def test_a_file_that_gets_a_new_first_line_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    write(file, KEY)
    source = opened(file)
    before = source().current.fingerprint
    write(file, OTHER_KEY, KEY)
    assert source().current.fingerprint == master_keys_of(OTHER_KEY)().current.fingerprint
    assert source().of(before).fingerprint == before


def test_a_running_service_keeps_its_keys_when_the_file_is_spoiled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "master.key"
    write(file, KEY)
    source = opened(file)
    before = source().current.fingerprint
    write(file, "spoiled")
    assert source().current.fingerprint == before
    file.unlink()
    assert source().current.fingerprint == before
    assert KEY not in capsys.readouterr().out


def test_a_key_shows_only_its_fingerprint() -> None:
    key = master_keys_of(KEY)().current
    assert repr(key) == f"MasterKey({key.fingerprint})"
    assert len(key.fingerprint) == 16


def test_a_new_key_is_another_each_time_and_can_be_used() -> None:
    first, second = new_master_key(), new_master_key()
    assert first != second
    assert open_master_keys(SecretStr(first), SecretStr(second), None) is not None


def test_a_wrapped_secret_opens_only_where_it_belongs() -> None:
    keys = master_keys_of(KEY)()
    secret = os.urandom(32)
    wrapped = keys.wrap(secret, b"here")
    assert secret not in wrapped.data
    assert keys.unwrap(wrapped, b"here") == secret
    with pytest.raises(StoredDataDamaged):
        keys.unwrap(wrapped, b"there")
    with pytest.raises(StoredDataDamaged):
        keys.unwrap(Wrapped(b"short", wrapped.master), b"here")
    with pytest.raises(MasterKeyMissing, match=wrapped.master):
        master_keys_of(OTHER_KEY)().unwrap(wrapped, b"here")

"""`walkprint audit`: shown, exported and checked without the service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.registry import Registry
from app.registry.acting import acting_as
from app.registry.signing import open_signer
from tests.app.command import Run, runner
from tests.app.registry.audit.conftest import forge_in


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command."""
    return runner(capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with three entries in the log."""
    folder = tmp_path / "data"
    registry = registry_in(folder)
    registry.migrate()
    with acting_as("key:abc"):
        registry.galleries.create("lab")
    registry.audit.note("subject.moved", subject=3, gallery=1, to_gallery=2)
    registry.audit.note("gallery.exported", gallery=1)
    registry.close()
    return folder


def registry_in(folder: Path) -> Registry:
    """The registry of a data folder, as the service opens it."""
    url = f"sqlite:///{folder / 'walkprint.db'}"
    return Registry.open(url, signer=open_signer(folder / "signing.key"))


def test_a_whole_log_is_called_whole_and_its_end_is_printed(run: Run, data: Path) -> None:
    registry = registry_in(data)
    head = registry.audit.head()
    registry.close()

    said = run("audit", "verify", "--data", data)
    as_json = run("audit", "verify", "--data", data, "--json")

    assert head is not None
    assert (said.code, said.out) == (0, f"3:{head.hash.hex()}\n")
    assert "The log is whole: 3 entries" in said.err
    assert json.loads(as_json.out)["end"] == f"3:{head.hash.hex()}"


def test_a_broken_log_ends_the_check_with_1_and_names_the_entry(run: Run, data: Path) -> None:
    forge_in(f"sqlite:///{data / 'walkprint.db'}", "DELETE FROM audit WHERE seq = 2")

    said = run("audit", "verify", "--data", data)
    as_json = run("audit", "verify", "--data", data, "--json")

    assert said.code == as_json.code == 1
    assert "Entry 2 is missing" in said.err
    assert (json.loads(as_json.err)["fault"], json.loads(as_json.err)["seq"]) == ("missing", 2)


def test_the_check_goes_on_from_a_noted_end(run: Run, data: Path) -> None:
    noted = run("audit", "verify", "--data", data).out.strip()
    registry = registry_in(data)
    registry.audit.note("gallery.exported", gallery=1)
    registry.close()

    assert run("audit", "verify", "--data", data, "--since", noted).code == 0
    other = run("audit", "verify", "--data", data, "--since", f"2:{noted.partition(':')[2]}")
    later = run("audit", "verify", "--data", data, "--since", f"9:{noted.partition(':')[2]}")
    assert (other.code, later.code) == (1, 1)
    assert "Entry 2 is not the one" in other.err
    assert "entry 9 was there" in later.err
    assert run("audit", "verify", "--data", data, "--since", "yesterday").code == 2


def test_a_pinned_key_is_trusted_and_no_other(run: Run, data: Path, tmp_path: Path) -> None:
    own, other = tmp_path / "own.pem", tmp_path / "other.pem"
    own.write_text(open_signer(data / "signing.key").public.pem)
    other.write_text(open_signer(tmp_path / "other.key").public.pem)

    assert run("audit", "verify", "--data", data, "--key", own).code == 0
    refused = run("audit", "verify", "--data", data, "--key", other)
    assert refused.code == 1
    assert "not validly signed" in refused.err
    assert run("audit", "verify", "--data", data, "--key", other, "--key", own).code == 0
    assert "no Ed25519" in run("audit", "verify", "--data", data, "--key", __file__).err


def test_an_exported_log_is_checked_without_the_database(
    run: Run, data: Path, tmp_path: Path
) -> None:
    file, key = tmp_path / "audit.jsonl", data / "signing.key"
    assert run("audit", "export", "--data", data, "-o", file).code == 0
    printed = run("audit", "export", "--data", data).out

    assert file.read_text() == printed
    assert run("audit", "verify", file, "--key", key).code == 0
    file.write_text(printed.replace("gallery.exported", "gallery.imported"))
    broken = run("audit", "verify", file, "--key", key)
    assert (broken.code, "Entry 3 does not fit" in broken.err) == (1, True)
    file.write_bytes(b"\xff\xfe")
    assert "Line 1 is none" in run("audit", "verify", file, "--key", key).err


def test_entries_are_shown_for_people_and_for_programs(run: Run, data: Path) -> None:
    shown = run("audit", "show", "--data", data)
    moved = run("audit", "show", "--data", data, "--action", "subject.moved", "--json")
    theirs = run("audit", "show", "--data", data, "--actor", "key:abc", "--json")
    last = run("audit", "show", "--data", data, "--limit", 1, "--json")

    assert "gallery.created" in shown.out
    (entry,) = json.loads(moved.out)
    assert entry["details"] == {"subject": 3, "gallery": 1, "to_gallery": 2}
    assert [each["action"] for each in json.loads(theirs.out)] == ["gallery.created"]
    assert [each["seq"] for each in json.loads(last.out)] == [3]


def test_where_there_is_no_log_nothing_is_made(run: Run, tmp_path: Path) -> None:
    for words in (("show",), ("export",), ("verify",)):
        said = run("audit", *words, "--data", tmp_path / "nowhere")
        assert said.code == 1
        assert "name the data folder with --data" in " ".join(said.err.split())
    assert not (tmp_path / "nowhere").exists()


def test_a_database_that_was_never_migrated_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "walkprint.db").touch()

    said = run("audit", "show", "--data", tmp_path)

    assert (said.code, "has no audit log" in " ".join(said.err.split())) == (1, True)

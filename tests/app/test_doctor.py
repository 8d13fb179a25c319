"""`walkprint doctor` finds what is really broken, and says what to do about it."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.demo.service_process import free_port
from app.doctor import Finding, machine, neighbours, state, weights
from app.doctor.variables import unknown_variables
from app.registry import Registry
from app.registry.keys import NewKey
from app.settings import Settings
from model.checkpoint import default_checkpoint_path
from tests.app.command import runner
from tests.live_service import live_service
from tests.rabbitmq import RabbitServer


def worst(found: Iterable[Finding]) -> Finding:
    """The finding that matters most."""
    return max(found, key=lambda finding: ("ok", "warn", "fail").index(finding.level))


def test_a_sound_installation_is_called_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALKPRINT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("WALKPRINT_PORT", str(free_port()))
    monkeypatch.delenv("WALKPRINT_URL", raising=False)
    said = runner(capsys)("doctor", "--json")
    found = {row["part"]: row for row in json.loads(said.out)}
    assert {row["level"] for row in found.values()} == {"ok"}, said.out
    assert said.code == 0
    assert "256 numbers" in found["device"]["says"]
    assert "was decoded, locked in" in found["sandbox"]["says"]
    assert not (tmp_path / "data").exists(), "an examination leaves nothing behind"


def test_misspelled_and_unusable_settings_end_with_1_and_name_the_right_ones(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALKPRINT_TARGET_FIPR", "0.01")
    monkeypatch.setenv("WALKPRINT_PORT", "http")
    said = runner(capsys)("doctor")
    assert said.code == 1
    assert "Did you mean WALKPRINT_TARGET_FPIR?" in said.out
    assert "WALKPRINT_PORT: Input should be a valid integer" in said.out
    assert "Traceback" not in said.out + said.err


def test_variables_of_other_programs_are_no_failure() -> None:

    found = worst(unknown_variables({"WALKPRINT_GRAFANA_PUBLISH": "3000", "HOME": "/root"}))
    assert (found.level, found.part) == ("warn", "settings")


def test_a_data_folder_that_cannot_be_written_to_is_found(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder", encoding="ascii")
    assert worst(state.data_folder(Settings(data=in_the_way))).level == "fail"
    # Not even root makes files there.
    found = worst(state.data_folder(Settings(data=Path("/proc/walkprint"))))
    assert "cannot be written to" in found.says
    open_to_all = tmp_path / "open"
    open_to_all.mkdir(mode=0o755)
    assert "chmod 700" in worst(state.data_folder(Settings(data=open_to_all))).advice


def test_too_little_room_for_the_uploads_that_are_allowed_is_found(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, workers=256, max_upload_bytes=2**50)
    assert any(
        finding.part == "disk" and finding.level == "warn"
        for finding in state.data_folder(settings)
    )


def test_what_is_wrong_with_a_database_is_told_apart(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    file = tmp_path / "walkprint.db"
    assert worst(state.database(settings)).says == "made at the first start"

    registry = Registry.open(settings.resolved_database_url)
    registry.migrate()
    registry.close()
    assert "up to date" in next(iter(state.database(settings))).says

    with sqlite3.connect(file) as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    assert "the next start migrates it (0002, " in next(iter(state.database(settings))).says

    with sqlite3.connect(file) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "Install the newer Walkprint" in worst(state.database(settings)).advice

    file.write_bytes(b"This was a database once." * 1000)
    assert "Restore a backup" in worst(state.database(settings)).advice

    nowhere = f"postgresql://walkprint:secret@127.0.0.1:{free_port()}/walkprint"
    away = worst(state.database(Settings(data=tmp_path, database_url=nowhere)))
    assert away.level == "fail"
    assert "secret" not in away.says + away.advice


def test_a_database_of_another_name_is_not_made_by_looking_at_it(tmp_path: Path) -> None:
    file = tmp_path / "once-postgres" / "people.db"
    settings = Settings(data=tmp_path / "data", database_url=f"sqlite:///{file}")
    assert worst(state.database(settings)).says == "made at the first start"
    assert list(tmp_path.iterdir()) == []

    registry = Registry.open(settings.resolved_database_url)
    registry.migrate()
    registry.close()
    assert "SQLite answers" in next(iter(state.database(settings))).says


def test_an_address_of_no_database_is_found(tmp_path: Path) -> None:
    found = worst(state.database(Settings(data=tmp_path, database_url="sqlite:///:memory:")))
    assert (found.level, found.advice) == ("fail", "Correct WALKPRINT_DATABASE_URL.")


def test_damaged_weights_are_found_by_their_checksum(tmp_path: Path) -> None:
    content = default_checkpoint_path().read_bytes()
    cut, changed = tmp_path / "cut.safetensors", tmp_path / "changed.safetensors"
    cut.write_bytes(content[: len(content) // 2])
    changed.write_bytes(content[:-1000] + bytes(b ^ 1 for b in content[-1000:]))
    assert worst(weights.checkpoint(Settings(checkpoint=cut))).level == "fail"
    found = worst(weights.checkpoint(Settings(checkpoint=changed)))
    assert "says it is l-resnet50-64x44-" in found.says
    missing = Settings(segmenter=f"onnx:{tmp_path / 'none.onnx'}")
    assert weights.segmenter(missing).level == "fail"


def test_what_really_embeds_is_named() -> None:
    *_, device = weights.checkpoint(Settings(device="cpu", runtime="onnxruntime"))
    assert device.says.startswith("cpu, onnxruntime: a blank walk became")


def test_a_package_in_another_version_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = tmp_path / "httpx-0.1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Name: httpx\nVersion: 0.1\n", encoding="ascii")
    monkeypatch.syspath_prepend(tmp_path)
    found = worst(machine.packages())
    assert found.says.startswith("httpx 0.1 is installed")
    assert found.advice.startswith("pip install httpx==")


def test_too_low_a_limit_of_open_files_is_found() -> None:
    program = "from app.doctor import machine; from app.settings import Settings;"
    program += "print(machine.open_files(Settings()).advice)"
    limited = f"ulimit -n 512 && exec {sys.executable} -c '{program}'"
    ran = subprocess.run(  # noqa: S603 - our own words
        ["bash", "-c", limited],  # noqa: S607 - found on PATH
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("ulimit -Hn 8256")


@pytest.mark.needs("rabbitmq-server")
def test_a_broker_that_answers_is_told_from_one_that_does_not(rabbit: RabbitServer) -> None:
    assert worst(neighbours.broker(Settings(broker_url=SecretStr(rabbit.url)))).level == "ok"
    nobody = SecretStr(f"amqp://walkprint:secret@127.0.0.1:{free_port()}/")
    found = worst(neighbours.broker(Settings(broker_url=nobody)))
    assert found.level == "fail"
    assert "secret" not in found.says + found.advice


def test_a_wrong_key_and_a_service_that_is_not_there_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_service(Settings(data=tmp_path)) as running:
        known = running.settings

        def look() -> Finding:
            return worst(neighbours.service(running.url, known, is_named=True))

        assert "there is no key yet" in look().says
        _, key = running.registry.keys.create(NewKey("doctor", ("identify",)))
        monkeypatch.setenv("WALKPRINT_API_KEY", str(key))
        assert look().level == "ok"
        monkeypatch.setenv("WALKPRINT_API_KEY", f"{key}x")
        assert (look().level, look().part) == ("fail", "key")
    assert "No Walkprint answers" in look().says


def test_a_port_that_another_program_has_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        nowhere = f"http://127.0.0.1:{free_port()}"
        found = worst(neighbours.service(nowhere, Settings(port=port), is_named=False))
    assert found.level == "fail"
    assert "Address already in use" in found.says


def test_a_wrong_clock_is_found() -> None:

    assert machine.clock(datetime(1970, 1, 1, tzinfo=UTC)).level == "fail"
    assert machine.clock().level == "ok"

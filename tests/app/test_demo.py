"""The demo: a newcomer's first command must tell the truth about the service."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from app.client import Client, Identification
from app.demo import ServiceDidNotStart, ServiceProcess, run_demo
from app.demo.people import NAMES, STRANGERS, enrolled_walks, known_probes, stranger_probes
from app.demo.run import Row
from app.demo.street import cut_street
from model.capture import capture_walk
from model.gei import GeiConfig, energy_image

_UNBUFFERED = {**os.environ, "PYTHONUNBUFFERED": "1"}


def _answered(subject: str | None) -> Identification:
    return Identification.read(
        {
            "decision": "match" if subject else "unknown",
            "subject": subject,
            "score": 0.5,
            "threshold": 0.6,
            "target_fpir": 0.01,
            "gallery_size": 12,
            "checkpoint": "c1",
            "candidates": [],
        }
    )


def test_the_demo_enrols_people_finds_them_again_and_knows_no_stranger(tmp_path: Path) -> None:
    """The same as `make demo ONCE=1`: every row of the table is right, and nothing is left."""
    printed = io.StringIO()
    console = Console(file=printed, width=80)
    assert run_demo(console, data=tmp_path, port=0, once=True), printed.getvalue()
    table = printed.getvalue()
    assert table.count("✓") >= 8 + 4 + 2
    assert "street, a stranger" in table
    assert list(tmp_path.iterdir()) == []


def test_the_demos_service_is_open_and_its_own_whatever_the_shell_is_set_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's real gallery gets the people of the demo, and no other machine sees them."""
    monkeypatch.setenv("WALKPRINT_HOST", "0.0.0.0")  # noqa: S104 - must not be taken over
    monkeypatch.setenv("WALKPRINT_DATABASE_URL", f"sqlite:///{tmp_path / 'real.db'}")
    monkeypatch.setenv("WALKPRINT_BOOTSTRAP_KEY", "wp_" + "e" * 10 + "_" + "k" * 43)
    with ServiceProcess(tmp_path / "demo") as service, Client(service.url, api_key="") as client:
        assert client.galleries() == []
    assert not (tmp_path / "real.db").exists()
    assert (tmp_path / "demo" / "walkprint.db").exists()


def test_nor_does_it_take_the_file_of_a_secret_for_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "database_url"
    secret.write_text(f"sqlite:///{tmp_path / 'real.db'}\n")
    monkeypatch.setenv("WALKPRINT_DATABASE_URL_FILE", str(secret))
    with ServiceProcess(tmp_path / "demo"):
        assert (tmp_path / "demo" / "walkprint.db").exists()
    assert not (tmp_path / "real.db").exists()


@pytest.mark.parametrize(
    ("expected", "named", "is_right"),
    [
        ("ada", "ada", True),
        ("ada", "ben", False),
        ("ada", None, False),
        (None, None, True),
        (None, "ada", False),
    ],
)
def test_a_row_is_right_only_for_the_right_person_or_rightly_nobody(
    expected: str | None, named: str | None, is_right: bool
) -> None:
    assert Row("probe", expected, _answered(named), 1.0).is_right is is_right


def test_probes_are_walks_nobody_enrolled_in_every_kind_of_clothes() -> None:
    enrolled = {(walk.person, walk.walk_seed) for name in NAMES for walk in enrolled_walks(name)}
    known, strangers = known_probes(), stranger_probes()
    assert len(NAMES) >= 12
    assert len({walk.person for walk in known} & set(NAMES)) >= 8
    assert {walk.person for walk in strangers} == set(STRANGERS)
    assert not enrolled & {(walk.person, walk.walk_seed) for walk in known}
    assert {walk.condition for walk in known} == {"nm", "bg", "cl"}


def test_both_parts_of_the_street_video_hold_a_whole_gait_cycle(tmp_path: Path) -> None:
    for clip in cut_street(tmp_path):
        quality = energy_image(capture_walk([clip]), GeiConfig()).quality
        assert quality.cycles >= 1.0
        assert quality.frames_seen >= 45  # of 50: a walk begins and ends where it can be told


def test_a_service_that_cannot_start_is_reported_with_its_log(tmp_path: Path) -> None:
    environment = {"WALKPRINT_DEVICE": "abacus"}
    with (
        pytest.raises(ServiceDidNotStart, match="exit code 1") as failure,
        ServiceProcess(tmp_path / "data", environment=environment),
    ):
        pytest.fail("it started")
    assert "device" in str(failure.value)


@pytest.fixture
def _ctrl_c_reaches_children() -> Iterator[None]:
    """A shell ignores SIGINT for what it runs in the background, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c_reaches_children")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_at_any_moment_ends_the_service_and_removes_its_data(
    tmp_path: Path, stop: signal.Signals
) -> None:
    """Ctrl-C, and what `kill` sends."""
    command = [sys.executable, "-m", "app.cli", "demo", "--data", str(tmp_path)]
    with subprocess.Popen(  # noqa: S603 (our own program)
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_UNBUFFERED
    ) as demo:
        assert demo.stdout is not None
        url = next(line.split()[-1] for line in demo.stdout if "ready after" in line)
        with Client(url) as client:
            assert client.is_ready()
            demo.send_signal(stop)
            last_words = demo.stdout.read()
            assert demo.wait(timeout=60) != 0
            assert not client.is_ready()
    assert "Traceback" not in last_words
    assert list(tmp_path.iterdir()) == []

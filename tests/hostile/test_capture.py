"""Each hostile file is sent to capture: the right refusal, soon, and nothing is left of it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

from model.capture import capture_walk
from model.capture.sandbox import warm_up
from model.refusals import WalkRefused
from tests.decoders import wait_until, working_decoders
from tests.hostile.catalogue import CATALOGUE
from tests.hostile.memory import is_back_at, resident_bytes

_LONGEST_SECONDS = 10.0
"""Two on a machine of one's own; the test's may be shared."""


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_hostile_file_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Within seconds, by the right name; decoder, memory and temporary files are gone."""
    path = tmp_path / "upload"
    path.write_bytes(CATALOGUE[name].make())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    warm_up()
    before_bytes, start = resident_bytes(), time.perf_counter()
    outcome = "a-walk"
    try:
        capture_walk([path])
    except WalkRefused as refusal:
        outcome = refusal.code
    seconds = time.perf_counter() - start
    print(f"{seconds:6.2f} s  {outcome:20} {name}")  # noqa: T201  # shown by pytest -s
    assert outcome in CATALOGUE[name].outcomes
    assert seconds < _LONGEST_SECONDS
    assert is_back_at(before_bytes)
    assert list(scratch.iterdir()) == []
    wait_until(lambda: not working_decoders(), "without a decoder")


def test_the_catalogue_is_what_was_asked_for() -> None:
    """At least forty files, of every entrance."""
    assert len(CATALOGUE) > 100

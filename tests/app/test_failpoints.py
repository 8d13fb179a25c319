"""Failpoints kill exactly when they are told to."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from app import failpoints

_VISITS = """
from app import failpoints
failpoints.arm_from_environment()
for visit in range(1, 6):
    print(visit, flush=True)
    failpoints.reach(failpoints.MID_JOB)
    failpoints.reach(failpoints.AFTER_COMMIT)
"""


def visits_made(failpoint: str) -> tuple[int, list[str]]:
    ended = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", _VISITS],
        env={"WALKPRINT_FAILPOINT": failpoint},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout.split()


def test_a_process_dies_at_the_visit_it_was_told_to() -> None:
    assert visits_made("after-commit:3") == (-signal.SIGKILL, ["1", "2", "3"])
    assert visits_made("mid-job") == (-signal.SIGKILL, ["1"])


def test_nothing_happens_elsewhere_or_without_being_told() -> None:
    assert visits_made("mid-snapshot") == (0, ["1", "2", "3", "4", "5"])
    assert visits_made("") == (0, ["1", "2", "3", "4", "5"])


@pytest.mark.parametrize("wrong", ["lunch", "mid-job:0", ":1"])
def test_a_failpoint_that_does_not_exist_is_refused(wrong: str) -> None:
    name, _, visits = wrong.partition(":")
    with pytest.raises(ValueError, match="no such failpoint"):
        failpoints.arm(name, int(visits or 1))

"""How a process notices that another died."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.worker.instance import Instance

_ENTER_AND_WAIT = """
import sys
from pathlib import Path
from app.worker.instance import Instance
instance = Instance.enter(Path(sys.argv[1]))
print(instance.id, flush=True)
sys.stdin.read()
"""


def start_process(folder: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", _ENTER_AND_WAIT, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_living_neighbour_is_left_alone(tmp_path: Path) -> None:
    instance = Instance.enter(tmp_path)
    process, neighbour = start_process(tmp_path)
    try:
        with instance.dead_neighbours() as dead:
            assert dead == []
        assert instance.is_registered(neighbour)
    finally:
        process.communicate("")
        instance.leave()


def test_a_killed_neighbour_is_noticed_at_once_and_once(tmp_path: Path) -> None:
    instance = Instance.enter(tmp_path)
    process, neighbour = start_process(tmp_path)
    process.kill()
    process.communicate()

    with instance.dead_neighbours() as dead:
        assert dead == [neighbour]
        other = Instance.enter(tmp_path)
        with other.dead_neighbours() as seen_by_another:
            assert seen_by_another == []  # one cleaner at a time
        other.leave()
    with instance.dead_neighbours() as dead:
        assert dead == []
    instance.leave()


def test_a_cleaning_that_failed_is_tried_again(tmp_path: Path) -> None:
    instance = Instance.enter(tmp_path)
    process, neighbour = start_process(tmp_path)
    process.kill()
    process.communicate()

    try:
        with instance.dead_neighbours():
            raise OSError("the database is away")
    except OSError:
        pass

    with instance.dead_neighbours() as dead:
        assert dead == [neighbour]
    instance.leave()

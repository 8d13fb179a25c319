"""What the capture tests share: one filmed walk, and a watch for what a capture leaves behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.model.capture.scenes import film, walk_thw


def children() -> set[int]:
    """The process ids of this process's children."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After every test of this folder: no child process, no file in the temporary folder."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("TMPDIR", str(scratch))
    before, descriptors = children(), len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert children() <= before
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors
    assert list(scratch.iterdir()) == []


@pytest.fixture(scope="session")
def walk_masks_thw() -> NDArray[np.uint8]:
    """The truth of the filmed walk, (T, H, W) 0/255."""
    return walk_thw()


@pytest.fixture(scope="session")
def walk_film_thwc(walk_masks_thw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A person who crosses the picture once, (T, H, W, 3)."""
    return film(walk_masks_thw)

"""What the capture tests share: one filmed walk, and a watch for what a capture leaves behind."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture.sandbox import warm_up
from tests.decoders import children, nursery, open_files, wait_until, working_decoders
from tests.model.capture.scenes import film, walk_thw


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After every test of this folder: no process, no open file, no file in a folder for such."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("TMPDIR", str(scratch))
    warm_up()
    before, descriptors = children() - {nursery()}, _open_files()
    yield
    gc.collect()  # a refusal that was caught still holds what it came through
    assert children() - {nursery()} <= before
    wait_until(lambda: not working_decoders(), "without a decoder")
    # Threads of earlier tests' services may still be opening and closing files of their own.
    wait_until(
        lambda: len(_open_files()) <= len(descriptors),
        f"back to {len(descriptors)} open files: {descriptors}, then {_open_files()}",
    )
    assert list(scratch.iterdir()) == []


def _open_files() -> list[str]:
    """But for databases of earlier tests' services, which keep connections; captures have none."""
    return [name for name in open_files() if "/walkprint.db" not in name]


@pytest.fixture(scope="session")
def walk_masks_thw() -> NDArray[np.uint8]:
    """The truth of the filmed walk, (T, H, W) 0/255."""
    return walk_thw()


@pytest.fixture(scope="session")
def walk_film_thwc(walk_masks_thw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A person who crosses the picture once, (T, H, W, 3)."""
    return film(walk_masks_thw)

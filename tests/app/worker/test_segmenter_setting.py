"""WALKPRINT_SEGMENTER decides what finds people in frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings
from app.worker.segmenter import segmenter_of
from model.capture.background_segmenter import BackgroundSegmenter
from model.capture.onnx_segmenter import OnnxSegmenter
from model.capture.person_network import SegmenterNotUsable
from tests.model.capture.colour_network import write_colour_network


def test_a_network_serves_when_one_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the background does, which needs no file."""
    assert isinstance(segmenter_of(Settings()), BackgroundSegmenter)
    path = write_colour_network(tmp_path / "people.onnx")
    monkeypatch.setenv("WALKPRINT_SEGMENTER", f"onnx:{path}")
    assert isinstance(segmenter_of(Settings()), OnnxSegmenter)


def test_a_network_that_cannot_serve_is_named_at_the_start(tmp_path: Path) -> None:
    """With its file, before the first upload."""
    path = tmp_path / "people.onnx"
    with pytest.raises(SegmenterNotUsable, match=f"no segmentation network at {path}"):
        segmenter_of(Settings(segmenter=f"onnx:{path}"))

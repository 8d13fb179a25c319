"""Walkers as a segmentation network of the user's own sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture.background_segmenter import BackgroundSegmenter
from model.capture.onnx_segmenter import OnnxSegmenter
from model.capture.person_network import PersonNetwork, SegmenterNotUsable
from model.capture.windows import record
from model.refusals import CameraMoves
from tests.model.capture.colour_network import CLOTHES_RGB, write_colour_network
from tests.model.capture.scenes import (
    HEIGHT,
    RATE,
    WIDTH,
    backdrop_hwc,
    only_walk,
    overlap,
    walk_thw,
)

_MASKS_THW = walk_thw(70, start=-20.0, pace=5.0)


def _filmed(offsets: NDArray[np.int_], masks_thw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A person all in one colour before a backdrop that moves past, (T, H, W, 3)."""
    rng = np.random.default_rng(8)
    wide_hwc = backdrop_hwc(width=WIDTH + int(offsets.max()))
    frames_thwc = np.stack([wide_hwc[:, offset : offset + WIDTH] for offset in offsets])
    frames_thwc[masks_thw > 0] = CLOTHES_RGB[::-1]
    noisy_thwc = frames_thwc + rng.normal(scale=2.0, size=frames_thwc.shape)
    return np.clip(noisy_thwc, 0, 255).astype(np.uint8)


def _segmenter(folder: Path, **network: Any) -> OnnxSegmenter:
    return OnnxSegmenter(PersonNetwork(write_colour_network(folder / "people.onnx", **network)))


def test_a_walker_is_found_although_the_camera_moves(tmp_path: Path) -> None:
    """The camera pans faster than any background could be told from; the network does not mind."""
    frames_thwc = _filmed(3 * np.arange(70), _MASKS_THW)
    with pytest.raises(CameraMoves):
        record(frames_thwc.copy(), RATE, BackgroundSegmenter(), 2**30)
    walk = only_walk(record(frames_thwc, RATE, _segmenter(tmp_path), 2**30))
    assert overlap(walk, _MASKS_THW).min() > 0.9
    assert walk.direction == "right"


def test_a_camera_that_goes_along_sees_somebody_walk(tmp_path: Path) -> None:
    """The walker stays in the middle of the picture, and the world goes by."""
    steps = walk_thw(70, start=150.0, pace=0.01)
    recording = record(_filmed(4 * np.arange(70), steps), RATE, _segmenter(tmp_path), 2**30)
    walk = only_walk(recording)
    assert walk.direction == "right"
    assert walk.frames > 60


@pytest.mark.parametrize(
    "network",
    [
        {"size": (96, 160)},
        {"size": (160, 160)},
        {"logits_of": 2, "person_class": 1},
        {"logits_of": 21, "person_class": 15, "metadata": {"walkprint.person_class": "15"}},
        {
            "mean": 0.45,
            "std": 0.22,
            "metadata": {"walkprint.mean": "0.45,0.45,0.45", "walkprint.std": "0.22,0.22,0.22"},
        },
    ],
    ids=["small", "square", "two classes", "many classes", "normalised"],
)
def test_every_kind_of_network_in_the_contract_will_do(
    tmp_path: Path, network: dict[str, Any]
) -> None:
    """Of a fixed size and shape, with classes instead of a probability, with its own scale."""
    frames_thwc = _filmed(np.zeros(70, np.int_), _MASKS_THW)[20:50]
    walk = only_walk(record(frames_thwc, RATE, _segmenter(tmp_path, **network), 2**30))
    assert overlap(walk, _MASKS_THW[20:50]).mean() > 0.85


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"logits_of": 21}, "must say which one is the person"),
        ({"logits_of": 2, "metadata": {"walkprint.person_class": "7"}}, "is 7 of 2 classes"),
        ({"metadata": {"walkprint.mean": "0.5"}}, "three numbers"),
        ({"metadata": {"walkprint.output": "odds"}}, "not probability or logits"),
        (
            {"logits_of": 2, "person_class": 1, "metadata": {"walkprint.output": "probability"}},
            "its values are no probabilities",
        ),
    ],
)
def test_a_network_outside_the_contract_is_refused_when_it_is_loaded(
    tmp_path: Path, network: dict[str, Any], message: str
) -> None:
    """Not by the first upload."""
    with pytest.raises(SegmenterNotUsable, match=message):
        _segmenter(tmp_path, **network)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    """Missing, or of another sort."""
    with pytest.raises(SegmenterNotUsable, match="There is no segmentation network at"):
        PersonNetwork(tmp_path / "nothing.onnx")
    (tmp_path / "text.onnx").write_text("people")
    with pytest.raises(SegmenterNotUsable, match="cannot load"):
        PersonNetwork(tmp_path / "text.onnx")


def test_a_grey_recording_reaches_the_network_in_three_channels(tmp_path: Path) -> None:
    """Networks take red, green and blue, whatever the camera gave."""
    network = PersonNetwork(write_colour_network(tmp_path / "people.onnx"))
    assert network.person_hw(np.zeros((HEIGHT, WIDTH, 1), np.uint8)).max() < 0.5

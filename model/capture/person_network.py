"""A network that knows people, as an ONNX file: frame → probability that each pixel is a person's.

What such a file must look like is told in docs/segmenter.md.

Shape letters: N frames, C channels or classes, H rows, W columns.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

_SHORT_SIDE, _MULTIPLE = 256, 32
"""Pixels, for a network that takes any size."""
_LARGEST_SIDE = 2048
"""Pixels: a fixed size beyond it is a mistake, or costs seconds per frame."""
_PADDING = 0.5
"""Grey beside a frame that is not of the network's shape."""
_MEAN, _STD = "walkprint.mean", "walkprint.std"
_OUTPUT, _PERSON_CLASS = "walkprint.output", "walkprint.person_class"
_PROBABILITY, _LOGITS = "probability", "logits"


class SegmenterNotUsable(Exception):
    """The file is no person segmentation network as docs/segmenter.md describes it."""


class PersonNetwork:
    """An ONNX graph, checked against its contract when it is loaded.

    Args:
        path: the file.
        threads: of one forward pass.

    Raises:
        SegmenterNotUsable: the file is missing, no ONNX graph, or of other inputs or outputs.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._path = path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not path.is_file():
            raise SegmenterNotUsable(f"There is no segmentation network at {path}.")
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as unreadable:  # ONNX Runtime raises a dozen types without a common base
            raise SegmenterNotUsable(
                f"ONNX Runtime cannot load {path}: {unreadable}"
            ) from unreadable
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._mean_c = self._numbers(metadata, _MEAN, 0.0)
        self._std_c = self._numbers(metadata, _STD, 1.0)
        if not (self._std_c > 0).all():
            raise self._unusable(f"{_STD} must be above 0")
        self._fixed_size = self._size_of_input()
        self._output = metadata.get(_OUTPUT)
        self._person_class = metadata.get(_PERSON_CLASS)
        self._check_with_a_blank_frame()

    def person_hw(self, frame_hwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probability that a person is seen, (H', W') in the network's resolution.

        Args:
            frame_hwc: uint8 (H, W, 1 or 3), grey or blue-green-red.
        """
        height, width = frame_hwc.shape[:2]
        net_height, net_width = self._fixed_size or _size_for(height, width)
        scale = min(net_height / height, net_width / width)
        high, wide = max(1, round(height * scale)), max(1, round(width * scale))
        interpolation = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        small = cv2.resize(frame_hwc, (wide, high), interpolation=interpolation)
        code = cv2.COLOR_BGR2RGB if frame_hwc.shape[2] == 3 else cv2.COLOR_GRAY2RGB
        image_hwc = np.full((net_height, net_width, 3), _PADDING, np.float32)
        image_hwc[:high, :wide] = cv2.cvtColor(small, code) * np.float32(1.0 / 255.0)
        image_hwc = (image_hwc - self._mean_c) / self._std_c
        probability_hw = self._probability(np.ascontiguousarray(image_hwc.transpose(2, 0, 1)[None]))
        rows = max(1, round(probability_hw.shape[0] * high / net_height))
        columns = max(1, round(probability_hw.shape[1] * wide / net_width))
        return probability_hw[:rows, :columns]

    def _probability(self, image_nchw: NDArray[np.float32]) -> NDArray[np.float32]:
        (scores, *_) = self._session.run(None, {self._session.get_inputs()[0].name: image_nchw})
        scores = np.asarray(scores, dtype=np.float32)
        scores_chw = scores[0] if scores.ndim == 4 else scores
        if scores.ndim not in (3, 4) or len(scores) != 1:
            raise self._unusable(f"the output has the shape {scores.shape}, not (1, C, h, w)")
        classes = len(scores_chw)
        if self._output == _PROBABILITY or (self._output is None and classes == 1):
            return np.asarray(scores_chw[self._class_of_person(classes)], dtype=np.float32)
        if classes == 1:
            return np.asarray(1.0 / (1.0 + np.exp(-scores_chw[0])), dtype=np.float32)
        share_chw = np.exp(scores_chw - scores_chw.max(axis=0))
        person_hw = share_chw[self._class_of_person(classes)] / share_chw.sum(axis=0)
        return np.asarray(person_hw, dtype=np.float32)

    def _class_of_person(self, classes: int) -> int:
        if self._person_class is None and classes > 2:
            raise self._unusable(
                f"it tells {classes} classes apart; its metadata must say which one is the person,"
                f" as {_PERSON_CLASS}"
            )
        try:
            # Of two classes without further word, the first is everything else.
            number = classes - 1 if self._person_class is None else int(self._person_class)
        except ValueError:
            number = -1
        if not 0 <= number < classes:
            raise self._unusable(f"{_PERSON_CLASS} is {self._person_class} of {classes} classes")
        return number

    def _size_of_input(self) -> tuple[int, int] | None:
        """(rows, columns) that the network asks for; None when it takes any."""
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            raise self._unusable("it must have one input of float32 (1, 3, H, W)")
        frames, channels, height, width = inputs[0].shape
        if (isinstance(frames, int) and frames != 1) or channels != 3:
            raise self._unusable(f"its input has the shape {inputs[0].shape}, not (1, 3, H, W)")
        if not (isinstance(height, int) and isinstance(width, int)):
            return None
        if not (0 < height <= _LARGEST_SIDE and 0 < width <= _LARGEST_SIDE):
            raise self._unusable(f"its input has {width}x{height} pixels")
        return height, width

    def _numbers(self, metadata: dict[str, str], key: str, default: float) -> NDArray[np.float32]:
        """Three numbers, for red, green and blue."""
        try:
            numbers = [float(part) for part in metadata[key].split(",")] if key in metadata else []
        except ValueError:
            numbers = [math.nan]
        if key not in metadata:
            numbers = [default] * 3
        if len(numbers) != 3 or not all(math.isfinite(number) for number in numbers):
            raise self._unusable(f"{key} must be three numbers, for red, green and blue")
        return np.array(numbers, np.float32)

    def _check_with_a_blank_frame(self) -> None:
        if self._output not in (None, _PROBABILITY, _LOGITS):
            raise self._unusable(f"{_OUTPUT} is '{self._output}', not probability or logits")
        height, width = self._fixed_size or (_SHORT_SIDE, _SHORT_SIDE)
        try:
            person_hw = self.person_hw(np.zeros((height, width, 3), np.uint8))
        except SegmenterNotUsable:
            raise
        except Exception as failed:  # whatever a graph may do when it runs
            raise self._unusable(f"it fails on a blank frame ({failed})") from failed
        if not (np.isfinite(person_hw).all() and 0.0 <= person_hw.min() <= person_hw.max() <= 1.0):
            raise self._unusable(
                f"its values are no probabilities; if they are logits, say {_OUTPUT}=logits"
            )

    def _unusable(self, why: str) -> SegmenterNotUsable:
        return SegmenterNotUsable(f"The segmentation network {self._path} cannot be used: {why}.")


def _size_for(height: int, width: int) -> tuple[int, int]:
    """(rows, columns) near to the frame's shape, for a network that takes any."""
    scale = _SHORT_SIDE / min(height, width)
    high, wide = (
        max(_MULTIPLE, math.ceil(side * scale / _MULTIPLE) * _MULTIPLE) for side in (height, width)
    )
    return high, wide

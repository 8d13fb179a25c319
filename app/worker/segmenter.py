"""The segmenter that the settings ask for."""

from __future__ import annotations

from app.settings import Settings
from model.capture.background_segmenter import BackgroundSegmenter
from model.capture.onnx_segmenter import OnnxSegmenter
from model.capture.person_network import PersonNetwork
from model.capture.segmenter import Segmenter


def segmenter_of(settings: Settings) -> Segmenter:
    """What finds people in frames.

    Raises:
        SegmenterNotUsable: a network was set that is missing, or outside docs/segmenter.md.
    """
    if settings.segmentation_network is None:
        return BackgroundSegmenter()
    return OnnxSegmenter(PersonNetwork(settings.segmentation_network))

"""Pixels → silhouettes: from a clip, an archive or single pictures to the people who walk.

What a file is, its first bytes decide, never its name.
"""

from __future__ import annotations

from model.capture.limits import CaptureLimits
from model.capture.recording import (
    CapturedWalk,
    Direction,
    Recording,
    SceneFacts,
)
from model.capture.walk import capture_recording, capture_walk
from model.walker_choice import WalkerChoice

__all__ = [
    "CaptureLimits",
    "CapturedWalk",
    "Direction",
    "Recording",
    "SceneFacts",
    "WalkerChoice",
    "capture_recording",
    "capture_walk",
]

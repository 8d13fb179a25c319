"""Pixels → silhouettes: from a clip, an archive of frames or single pictures to one walker.

What a file is, its first bytes decide, never its name.
"""

from __future__ import annotations

from model.capture.limits import CaptureLimits
from model.capture.media import is_picture
from model.capture.walk import capture_walk

__all__ = ["CaptureLimits", "capture_walk", "is_picture"]

"""Runs in a process of its own: decodes one clip and writes small frames to standard output.

Some real files abort the decoder inside native code; here that costs one refusal, not the
service. Run by path in isolated mode, so it imports nothing of this project:

    python -I decoder_child.py CLIP PLAN

CLIP is an absolute path; PLAN is the JSON that `video.py` makes. Standard output carries one line
of JSON ({"width", "height", "frames_per_second"}) and then the frames, blue-green-red bytes,
until the end of the stream. The exit status says how it went (see `EXIT_*`).
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import resource
import signal
import sys
from typing import Any

EXIT_DONE = 0
EXIT_NOT_READABLE = 3
EXIT_TOO_MANY_PIXELS = 4
EXIT_TOO_LONG = 5

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_MAX_OPEN_FILES = 64
_SANE_RATE = (5.0, 240.0)  # frames per second; outside it the container is not believed
_USUAL_RATE = 30.0  # frames per second assumed where the container says nothing believable


def main(clip: str, plan: dict[str, Any]) -> int:
    """Decodes `clip` by `plan` and returns the exit status."""
    _bind(plan)
    import cv2  # noqa: PLC0415  # only after the limits of the process are set

    capture = cv2.VideoCapture(clip, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, plan["threads"]])
    if not capture.isOpened():
        return EXIT_NOT_READABLE
    pixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if not 0 < pixels <= plan["max_pixels_per_frame"]:
        return EXIT_TOO_MANY_PIXELS if pixels > 0 else EXIT_NOT_READABLE
    rate = capture.get(cv2.CAP_PROP_FPS)
    known_rate = rate if _SANE_RATE[0] <= rate <= _SANE_RATE[1] else None
    max_frames = math.ceil(
        min(plan["max_frames"], plan["max_seconds"] * (known_rate or _USUAL_RATE))
    )
    declared = int(max(capture.get(cv2.CAP_PROP_FRAME_COUNT), 0))
    if declared > max_frames:
        return EXIT_TOO_LONG
    stride = max(1, round((known_rate or _USUAL_RATE) / plan["working_rate"]))
    size: tuple[int, int] | None = None
    decoded = 0
    while capture.grab():
        decoded += 1
        if decoded > max_frames:
            return EXIT_TOO_LONG
        if (decoded - 1) % stride:
            continue
        readable, frame_hwc = capture.retrieve()
        if not readable:
            continue
        if frame_hwc.shape[0] * frame_hwc.shape[1] > plan["max_pixels_per_frame"]:
            return EXIT_TOO_MANY_PIXELS
        if size is None:
            size = _working_size(frame_hwc, (declared or max_frames) / stride, plan)
            _announce(size, known_rate / stride if known_rate else None)
        if (frame_hwc.shape[1], frame_hwc.shape[0]) != size:
            frame_hwc = cv2.resize(frame_hwc, size, interpolation=cv2.INTER_AREA)
        sys.stdout.buffer.write(frame_hwc.tobytes())
    sys.stdout.buffer.flush()
    return EXIT_DONE if decoded else EXIT_NOT_READABLE


def _bind(plan: dict[str, Any]) -> None:
    """Takes from this process what decoding does not need, and ties it to its parent's life."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != plan["parent"]:
        sys.exit(EXIT_NOT_READABLE)
    seconds = math.ceil(plan["timeout_seconds"] * plan["threads"]) + 1
    for kind, bound in (
        (resource.RLIMIT_AS, plan["memory_bytes"]),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MAX_OPEN_FILES),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _working_size(frame_hwc: Any, frames: float, plan: dict[str, Any]) -> tuple[int, int]:
    height, width = frame_hwc.shape[:2]
    budget = plan["max_kept_bytes"] / (max(frames, 1.0) * 3)
    scale = min(
        1.0,
        plan["working_long_side"] / max(width, height),
        plan["working_short_side"] / min(width, height),
        math.sqrt(budget / (width * height)),
    )
    return max(1, int(width * scale + 1e-6)), max(1, int(height * scale + 1e-6))


def _announce(size: tuple[int, int], rate: float | None) -> None:
    line = json.dumps({"width": size[0], "height": size[1], "frames_per_second": rate})
    sys.stdout.buffer.write(line.encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], json.loads(sys.argv[2])))

"""A clip → frames at working size, decoded in a child process with limits.

Shape letters: T frames, H rows, W columns, C colour channels.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import numpy as np

from model.capture import decoder_child
from model.capture.clip import Clip
from model.capture.limits import CaptureLimits
from model.refusals import MediaNotReadable, MediaTooLarge

_WORKING_RATE = 30.0
"""Frames per second that are kept; a step lasts about half a second."""
_DECODER_THREADS = 2
_MAX_ANNOUNCEMENT_BYTES = 512
_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts"
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
"""Of the environment; keys and addresses of the service are not the decoder's business."""


def decode_clip(path: Path, limits: CaptureLimits) -> Clip:
    """Decodes a video file to small frames.

    Args:
        path: the clip; its first bytes were found to be a video's.
        limits: see `CaptureLimits`.

    Raises:
        MediaNotReadable: the decoder refuses the file or dies of it.
        MediaTooLarge: too many pixels, frames or seconds, or too slow to decode.
    """
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and script, no shell
        [sys.executable, "-I", decoder_child.__file__, str(path.resolve()), _plan(limits)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        cwd="/",
    )
    try:
        return _Stream(process, limits).read()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _plan(limits: CaptureLimits) -> str:
    return json.dumps(
        {
            "parent": os.getpid(),
            "threads": _DECODER_THREADS,
            "working_rate": _WORKING_RATE,
            "timeout_seconds": limits.decode_timeout_seconds,
            "memory_bytes": limits.memory_bytes,
            "max_pixels_per_frame": limits.max_pixels_per_frame,
            "max_frames": limits.max_frames,
            "max_seconds": limits.max_seconds,
            "max_kept_bytes": limits.max_kept_bytes,
            "working_long_side": limits.working_long_side,
            "working_short_side": limits.working_short_side,
        }
    )


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OPENCV_LOG_LEVEL": "SILENT",
        "OPENCV_FFMPEG_LOGLEVEL": "-8",
        "OPENCV_FFMPEG_CAPTURE_OPTIONS": f"protocol_whitelist;file|format_whitelist;{_DEMUXERS}",
    }


class _Stream:
    """The frames that the child writes, read against the clock."""

    def __init__(self, process: subprocess.Popen[bytes], limits: CaptureLimits) -> None:
        if process.stdout is None:
            raise ValueError("the decoder's output must be a pipe")
        self._process = process
        self._limits = limits
        self._output = process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._output, select.POLLIN | select.POLLHUP)
        self._deadline = time.monotonic() + limits.decode_timeout_seconds

    def read(self) -> Clip:
        """Reads until the child is done."""
        announcement = self._read_line()
        if not announcement:
            self._refuse()
        facts = json.loads(announcement)
        width, height = int(facts["width"]), int(facts["height"])
        capacity = 1 + max(1, self._limits.max_kept_bytes // (width * height * 3))
        # Memory is taken from the system page by page as frames arrive, not here.
        frames_thwc = np.empty((capacity, height, width, 3), np.uint8)
        frames = 0
        while frames < capacity:
            got = self._read_into(memoryview(frames_thwc[frames].reshape(-1)))
            if got < width * height * 3:
                break
            frames += 1
        else:
            raise MediaTooLarge("The clip has more frames than it declares and than can be held.")
        if got or self._exit_status() != decoder_child.EXIT_DONE:
            self._refuse()
        return Clip(frames_thwc[:frames], facts["frames_per_second"])

    def _read_into(self, view: memoryview) -> int:
        got = 0
        while got < len(view):
            self._wait()
            count = os.readv(self._output, [view[got:]])
            if count == 0:
                break
            got += count
        return got

    def _read_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            self._wait()
            byte = os.read(self._output, 1)
            if not byte or len(line) > _MAX_ANNOUNCEMENT_BYTES:
                return b""
            line += byte
        return line

    def _wait(self) -> None:
        remaining_seconds = self._deadline - time.monotonic()
        if remaining_seconds <= 0 or not self._poll.poll(remaining_seconds * 1000.0):
            self._refuse_as_too_slow()

    def _exit_status(self) -> int:
        try:
            return self._process.wait(timeout=max(0.0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._refuse_as_too_slow()

    def _refuse(self) -> NoReturn:
        limits = self._limits
        status = self._exit_status()
        if status == decoder_child.EXIT_TOO_MANY_PIXELS:
            raise MediaTooLarge(
                f"The clip's frames have more than {limits.max_pixels_per_frame} pixels.",
                max_pixels=limits.max_pixels_per_frame,
            )
        if status == decoder_child.EXIT_TOO_LONG:
            raise MediaTooLarge(
                f"The clip is longer than {limits.max_seconds:.0f} s or"
                f" {limits.max_frames} frames.",
                max_seconds=limits.max_seconds,
                max_frames=limits.max_frames,
            )
        if status < 0:
            raise MediaNotReadable("The video decoder gave up on this clip: it is damaged.")
        raise MediaNotReadable("The clip cannot be decoded: it is damaged, empty or cut short.")

    def _refuse_as_too_slow(self) -> NoReturn:
        raise MediaTooLarge(
            f"The clip takes longer than {self._limits.decode_timeout_seconds:.0f} s to decode.",
            decode_timeout_seconds=self._limits.decode_timeout_seconds,
        )

"""What decoding in a process of its own costs, beside the same decoding in this process.

    python -m tests.benchmarks.bench_sandbox

Both decode to frames of working size, by the same code, on one core. Times are the best of several
runs in turns.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from model.capture.clip_decoder import decode_clip
from model.capture.frames import DECODER_THREADS, open_frames
from model.capture.limits import CaptureLimits
from model.capture.reading import FrameStream
from model.capture.working_size import scale_down
from model.silhouettes import Silhouette
from tests.benchmarks.cpu_time import cpu_seconds
from tests.decoders import working_decoders
from tests.hostile.memory import resident_bytes

_console = Console(highlight=False)
_LIMITS = CaptureLimits()
_ROUNDS = 7
_SIZES = ((640, 480, 300), (1280, 720, 300), (1920, 1080, 240))
"""Width, height, frames: clips of eight to ten seconds, as people film a walk."""
_MIB = 2**20


def main() -> None:
    """Prints the tables."""
    # Decoders inherit it: with a core of their own they would seem to cost nothing by the clock.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _print_start(folder)
        _print_speed(folder)
        _print_memory(folder)


def _print_start(folder: Path) -> None:
    clip = write_clip(folder / "short.mp4", 320, 240, 1)
    cold = _seconds(lambda: _first_frame(clip))
    warm = statistics.median(_seconds(lambda: _first_frame(clip)) for _ in range(20))
    plain = statistics.median(_seconds(lambda: decode_in_process(clip)) for _ in range(20))
    _console.print("to the first frame of a clip, ms")
    _console.print(f"  in process             {1000 * plain:7.1f}")
    _console.print(f"  sandbox, started ahead {1000 * warm:7.1f}")
    _console.print(f"  sandbox, first of all  {1000 * cold:7.1f}")


def _print_speed(folder: Path) -> None:
    _console.print("\nms a frame                  in process     sandbox   share added")
    for width, height, frames in _SIZES:
        clip = write_clip(folder / f"{width}.mp4", width, height, frames)
        plain, boxed = [], []
        for _ in range(_ROUNDS):
            plain.append(decode_in_process(clip))
            boxed.append(decode_in_sandbox(clip))
        for what in ("wall clock", "processor"):
            fastest = [1000 * min(cost[what] for cost in side) / frames for side in (plain, boxed)]
            _console.print(
                f"  {width:4} x {height:<4} {what:12}{fastest[0]:12.2f}{fastest[1]:12.2f}"
                f"{fastest[1] / fastest[0] - 1:14.0%}"
            )


def _print_memory(folder: Path) -> None:
    _console.print("\nmemory while decoding 640 x 480, MiB    service grows by   decoder at most")
    for seconds in (10, 60):
        clip = write_clip(folder / f"{seconds}s.mp4", 640, 480, 30 * seconds)
        before_bytes = resident_bytes()
        most_bytes = decoder_bytes = 0
        with open_frames([clip], _LIMITS) as media:
            assert isinstance(media, FrameStream)
            (decoder,) = working_decoders()
            for number, _ in enumerate(media):
                if number % 16 == 0:
                    most_bytes = max(most_bytes, resident_bytes() - before_bytes)
                    decoder_bytes = max(decoder_bytes, _peak_bytes(decoder))
        _console.print(f"  {seconds:3} s {most_bytes / _MIB:50.1f}{decoder_bytes / _MIB:18.1f}")


def write_clip(path: Path, width: int, height: int, frames: int) -> Path:
    """Noise that drifts behind a moving block, in H.264 as cameras write it."""

    rng = np.random.default_rng(4)
    wall_hwc = cv2.GaussianBlur(rng.integers(0, 255, (height, 2 * width, 3), np.uint8), (0, 0), 3)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=30, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            picture_hwc = wall_hwc[:, :width].copy()
            left = number * width // max(frames, 2)
            picture_hwc[height // 4 :, left : left + width // 8] = (40, 60, 200)
            grain_hw = rng.integers(0, 8, (height, width, 1), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture_hwc // 2 + grain_hw, format="bgr24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


class _Discard:
    """Scales frames as the sandbox does, and keeps none."""

    def start_scene(self, width: int, height: int, _frames_per_second: float | None) -> None:
        self._scaled_hwc = np.empty((height, width, 3), np.uint8)

    def frame(self, frame_hwc: NDArray[np.uint8]) -> None:
        scale_down(frame_hwc, self._scaled_hwc)

    def start_silhouettes(self, _width: int, _height: int) -> None:
        raise AssertionError("a clip holds no silhouettes")

    def silhouette(self, _silhouette: Silhouette | None) -> None:
        raise AssertionError("a clip holds no silhouettes")


def decode_in_process(clip: Path) -> dict[str, float]:
    """Decodes here, which is the limit; returns seconds by the clock and of work."""
    start, worked = time.perf_counter(), time.process_time()
    with clip.open("rb") as file:
        decode_clip(file.fileno(), _LIMITS, _Discard(), threads=DECODER_THREADS)
    return {
        "wall clock": time.perf_counter() - start,
        "processor": time.process_time() - worked,
    }


def decode_in_sandbox(clip: Path) -> dict[str, float]:
    """Decodes as the service does; the work of both processes counts."""
    start, worked = time.perf_counter(), time.process_time()
    with open_frames([clip], _LIMITS) as media:
        assert isinstance(media, FrameStream)
        (decoder,) = working_decoders()
        for _ in media:
            pass
        wall = time.perf_counter() - start
        return {
            "wall clock": wall,
            "processor": time.process_time() - worked + cpu_seconds(decoder),
        }


def _first_frame(clip: Path) -> None:
    with open_frames([clip], _LIMITS) as media:
        assert isinstance(media, FrameStream)
        next(iter(media))


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _peak_bytes(pid: int) -> int:
    """Resident memory of a process at its most, what it shares included."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main()

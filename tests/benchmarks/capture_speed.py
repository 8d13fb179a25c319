"""What capturing a clip costs on one core, beside what its decoder alone costs.

python -m tests.benchmarks.capture_speed CLIP    # captures it and prints the peak in MiB
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture import capture_recording
from tests.benchmarks.bench_sandbox import decode_in_process
from tests.scenes import Crossing, RecordedScene, Scene
from tests.scenes.encoding import encode

_LEFT, _RIGHT = 90.0, 270.0
_SECONDS = 10.0
_PASSES = (
    Crossing(0, enters=-0.1, azimuth_degrees=_RIGHT, tall=0.5),
    Crossing(0, begins_seconds=6.0, enters=1.1, azimuth_degrees=_LEFT, tall=0.5),
)
FULL_HD = Scene(
    "1080p at 30 frames a second",
    "plain",
    _PASSES,
    width=1920,
    height=1080,
    seconds=_SECONDS,
    frames_per_second=30.0,
    seed=51,
)
VGA = Scene(
    "640×480 at 30 frames a second",
    "plain",
    _PASSES,
    width=640,
    height=480,
    seconds=_SECONDS,
    frames_per_second=30.0,
    seed=52,
)


@dataclass(frozen=True)
class Speed:
    """Times faster than the clip runs, in CPU time of one core.

    Attributes:
        capture: from the file to silhouettes.
        decoder: of the decoder alone, which capture cannot beat.
    """

    capture: float
    decoder: float


def speed(recorded: RecordedScene, rounds: int) -> Speed:
    """Measures both in turns, after one turn to warm up.

    The CPU time of a sandbox that has ended is not seen from here. What it does, decoding and
    scaling down, is done again in this process by the same code and added to what capture itself
    took; what the sandbox costs on top is `bench_sandbox`'s.
    """
    captured, decoded = [], []
    for turn in range(-1, rounds):
        start = time.process_time()
        _decode(recorded.clip)
        decoded_at = time.process_time()
        decode_in_process(recorded.clip)
        capture_recording([recorded.clip])
        if turn >= 0:
            captured.append(time.process_time() - decoded_at)
            decoded.append(decoded_at - start)
    seconds = recorded.scene.seconds
    return Speed(seconds / median(captured), seconds / median(decoded))


def peak_mebibytes(clip: Path) -> float:
    """How much memory capturing a clip takes on top of what Python and its libraries take."""
    command = [sys.executable, "-m", "tests.benchmarks.capture_speed", str(clip)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 (ourselves)
    return float(done.stdout)


def lengthened(recorded: RecordedScene, folder: Path, times: int) -> Path:
    """The same clip several times over."""
    if times == 1:
        return recorded.clip
    clip = folder / f"{recorded.clip.stem}-{times}-times.mp4"
    if not clip.exists():
        unfinished = clip.with_suffix(".part.mp4")
        pictures = (one for _ in range(times) for one in _frames(recorded.clip))
        encode(unfinished, pictures, frames_per_second=recorded.scene.frames_per_second)
        unfinished.rename(clip)
    return clip


def _decode(clip: Path) -> None:
    capture = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    is_there, frame_hwc = capture.read()
    while is_there:
        is_there, frame_hwc = capture.read(frame_hwc)  # into the same memory each time


def _frames(clip: Path) -> Iterator[NDArray[np.uint8]]:
    capture = cv2.VideoCapture(str(clip))
    while True:
        is_there, frame_hwc = capture.read()
        if not is_there:
            return
        yield np.asarray(frame_hwc, dtype=np.uint8)


def _print_peak(clip: Path) -> None:
    before = _highest_kibibytes()
    capture_recording([clip])
    sys.stdout.write(f"{(_highest_kibibytes() - before) / 1024:.0f}\n")


def _highest_kibibytes() -> int:
    """This process's largest resident size so far; `getrusage` would count its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def use_one_core(core: int) -> None:
    """Pins this process, and what it starts, to one core that it may use."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core if core in allowed else max(allowed)})


if __name__ == "__main__":
    _print_peak(Path(sys.argv[1]))

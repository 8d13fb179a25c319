"""Uploads are decoded in processes that can die, hang, eat or lie without harm."""

from __future__ import annotations

import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture import CaptureLimits, capture_walk
from model.capture import sandbox_wire as wire
from model.capture.frames import open_frames
from model.capture.reading import FrameStream, Reading
from model.capture.sandbox import Decoder, warm_up
from model.refusals import MediaNotReadable, MediaTooLarge, WalkRefused
from model.silhouettes import SilhouetteSequence
from tests.decoders import arguments, children, nursery, wait_until, working_decoders
from tests.model.capture.scenes import figure_hw, png, write_video, zip_of_masks

_LIMITS = CaptureLimits()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, walk_film_thwc: NDArray[np.uint8]) -> Path:
    """The filmed walk as an MP4, with more frames than are decoded ahead."""
    return write_video(tmp_path_factory.mktemp("clip") / "walk.mp4", walk_film_thwc)


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """A zip of silhouettes."""
    frames = [figure_hw(60 + 5 * t, seconds=t / 25) for t in range(15)]
    return zip_of_masks(tmp_path / "masks.zip", np.stack(frames))


def _frames(media: FrameStream | SilhouetteSequence) -> Iterator[NDArray[np.uint8]]:
    assert isinstance(media, FrameStream)
    return iter(media)


def test_a_decoder_that_is_killed_costs_one_refusal(clip: Path) -> None:
    """Whatever kills it, and in the middle of the clip; the next upload is served."""
    for blow in (signal.SIGSEGV, signal.SIGKILL):
        with open_frames([clip], _LIMITS) as media:
            frames = _frames(media)
            next(frames)
            (decoder,) = working_decoders()
            os.kill(decoder, blow)
            with pytest.raises(MediaNotReadable):
                list(frames)
    assert capture_walk([clip]).silhouettes


def test_a_decoder_that_hangs_is_ended_in_time(clip: Path) -> None:
    """The time that the service waits counts, and the process is gone afterwards."""
    limits = replace(_LIMITS, decode_timeout_seconds=1.0)
    start = time.monotonic()
    with open_frames([clip], limits) as media:
        frames = _frames(media)
        next(frames)
        (decoder,) = working_decoders()
        os.kill(decoder, signal.SIGSTOP)
        with pytest.raises(MediaTooLarge, match="longer than"):
            list(frames)
    assert time.monotonic() - start < 5.0
    wait_until(lambda: not Path(f"/proc/{decoder}").exists(), "gone")


def test_time_that_the_service_takes_itself_is_not_held_against_the_upload(clip: Path) -> None:
    """A reader slower than the limit still gets every frame."""
    with open_frames([clip], replace(_LIMITS, decode_timeout_seconds=5.0)) as media:
        frames = _frames(media)
        next(frames)
        (decoder,) = working_decoders()
        status = Path(f"/proc/{decoder}/status")
        wait_until(lambda: "State:\tS" in status.read_text(), "waiting for room")
        assert len(list(frames)) == 74


def test_a_decoder_without_memory_costs_one_refusal(clip: Path) -> None:
    """Its address space is bounded."""
    with pytest.raises(MediaNotReadable):
        capture_walk([clip], replace(_LIMITS, memory_bytes=64 * 2**20))


def test_a_decoder_has_limits_and_no_secrets(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can write no file, dump no core, knows nothing of the environment, and is filtered."""
    monkeypatch.setenv("WALKPRINT_TEST_SECRET", "do-not-tell")
    with open_frames([clip], _LIMITS):
        (decoder,) = working_decoders()
        process = Path(f"/proc/{decoder}")
        bounds = {
            line[:26].strip(): line[26:47].strip()
            for line in (process / "limits").read_text().splitlines()
        }
        assert b"do-not-tell" not in (process / "environ").read_bytes()
        assert (process / "cwd").readlink() == Path("/")
        assert len(list((process / "fd").iterdir())) < 12
    assert (bounds["Max file size"], bounds["Max core file size"]) == ("0", "0")
    assert int(bounds["Max cpu time"]) == 121
    assert int(bounds["Max address space"]) == _LIMITS.memory_bytes
    assert int(bounds["Max open files"]) < 100


def test_the_filter_leaves_nothing_to_reach_out_with() -> None:
    """No file, socket, program, process, signal or executable memory; threads and memory, yes."""
    program = """
import mmap, os, socket, sys, threading
from model.capture.lockdown import filter_system_calls
forbidden = {
    "open": lambda: open("/etc/passwd"),
    "create": lambda: open("/tmp/x", "w"),
    "list": lambda: os.listdir("/"),
    "socket": lambda: socket.socket(),
    "fork": os.fork,
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "signal": lambda: os.kill(os.getppid(), 0),
    "code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "memfd": lambda: os.memfd_create("x"),
    "raise limits": lambda: __import__("resource").getrlimit(0),
}
assert filter_system_calls()
done = []
worker = threading.Thread(target=lambda: done.append(bytes(2**24)))
worker.start()
worker.join()
assert done
for name, attempt in forbidden.items():
    try:
        attempt()
    except OSError as error:
        assert error.errno == 1, name
    else:
        print(name)
"""
    answer = subprocess.run(  # noqa: S603  # our own interpreter and program
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr


def test_uploads_of_several_threads_do_not_meet(clip: Path, masks: Path) -> None:
    """Each gets its own decoder, and its own frames."""

    def frames(path: Path) -> int:
        with open_frames([path], _LIMITS) as media:
            if isinstance(media, SilhouetteSequence):
                return len(media.silhouettes)
            return sum(1 for _ in media)

    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(frames, [clip, masks] * 6))
    assert counts == [75, 15] * 6


def test_a_nursery_that_is_killed_is_replaced(masks: Path) -> None:
    """And so is a decoder that is killed while it waits."""
    old = nursery()
    wait_until(lambda: len(children(old)) == 1, "one decoder waiting")
    lost = {old, *children(old)}
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: not any(map(arguments, lost)), "without them")
    assert capture_walk([masks]).silhouettes
    assert nursery() != old
    wait_until(lambda: len(children(nursery())) == 1, "one decoder waiting")
    (waiting,) = children(nursery())
    os.kill(waiting, signal.SIGKILL)
    assert capture_walk([masks]).silhouettes


def test_a_forked_process_has_a_nursery_of_its_own(masks: Path) -> None:
    """Data sets are captured by pools of forked processes."""
    warm_up()
    ours = nursery()
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if capture_walk([masks]).silhouettes and nursery() != ours else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert capture_walk([masks]).silhouettes


def test_a_file_that_is_not_there_is_no_fault_of_the_upload(tmp_path: Path) -> None:
    """It is no refusal: the storage failed, not the sender."""
    with pytest.raises(FileNotFoundError):
        capture_walk([tmp_path / "nowhere.mp4"])


def test_as_many_pictures_as_a_walk_may_have_can_be_sent(tmp_path: Path) -> None:
    """They are open at once in the decoder, beyond the usual number of open files."""
    picture = tmp_path / "1"
    picture.write_bytes(png(figure_hw(100, seconds=0.0)))
    with open_frames([picture] * 1500, _LIMITS) as media:
        assert isinstance(media, SilhouetteSequence)
        assert len(media.silhouettes) == 1500
    with pytest.raises(MediaTooLarge):
        capture_walk([picture] * 3601)


Script = Callable[[socket.socket, mmap.mmap], None]


@pytest.fixture
def told() -> Iterator[Callable[[Script], list[object]]]:
    """What comes out of a decoder that says what a test makes it say."""
    made: list[threading.Thread] = []

    def tell(script: Script) -> list[object]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ring = mmap.mmap(-1, wire.ring_bytes_for(640 * 360 * 3, _LIMITS.max_pixels_per_frame))
        sleeper = subprocess.Popen(["sleep", "60"])  # noqa: S607  # stands for the process
        decoder = Decoder(ours, ring, os.pidfd_open(sleeper.pid))

        def speak() -> None:
            with theirs, suppress(ConnectionError):  # nobody listens to a liar for long
                script(theirs, ring)
                while theirs.recv(1):
                    pass

        made.append(threading.Thread(target=speak))
        made[-1].start()
        try:
            media = Reading(decoder, _LIMITS, None).begin()
            if isinstance(media, FrameStream):
                return [frame_hwc.shape for frame_hwc in media]
            return list(media.silhouettes)
        finally:
            decoder.close()
            assert sleeper.wait() == -signal.SIGKILL

    yield tell
    for thread in made:
        thread.join()


def _scene(width: int, height: int, rate: float = 25.0) -> bytes:
    return wire.SCENE + wire.SCENE_FACTS.pack(width, height, rate)


def _silhouettes(width: int, height: int) -> bytes:
    return wire.SILHOUETTES + wire.SILHOUETTES_FACTS.pack(width, height)


def _silhouette(*facts: int) -> bytes:
    return wire.SILHOUETTE + wire.SILHOUETTE_FACTS.pack(*facts)


def _laid(count: int) -> bytes:
    return wire.FRAME + wire.COUNT.pack(count)


_UNKNOWN_REFUSAL = json.dumps({"code": "too-few-cycles", "detail": "x", "facts": {}}).encode()


@pytest.mark.parametrize(
    "lies",
    [
        [_scene(641, 360)],
        [_scene(2**32 - 1, 2**32 - 1)],
        [_scene(0, 100)],
        [_scene(64, 64, float("nan"))],
        [_scene(64, 64, -5.0)],
        [_scene(64, 64, 1e9)],
        [_scene(64, 64)[:-1]],
        [_scene(64, 64), *[_laid(1)] * 3601],
        [_scene(64, 64), *[_laid(8)] * 451],
        [_scene(64, 64), _laid(9)],
        [_scene(64, 64), _laid(0)],
        [_scene(64, 64), wire.FRAME],
        [_scene(64, 64), _laid(1), _silhouette(0, 0, 4, 4)],
        [_scene(64, 64), _laid(1), b"?"],
        [_scene(64, 64), _laid(1)],
        [_silhouettes(2**31, 2**31)],
        [_silhouettes(0, 5)],
        [_silhouettes(64, 64), _silhouette(60, 0, 8, 8), wire.DONE],
        [_silhouettes(64, 64), _silhouette(2**32 - 4, 0, 8, 8), wire.DONE],
        [_silhouettes(64, 64), _silhouette(0, 0, 0, 8), wire.DONE],
        [_silhouettes(64, 64), *[wire.BLANK] * 3602],
        [wire.REFUSED + b"no json"],
        [wire.REFUSED + b"[]"],
        [wire.REFUSED + _UNKNOWN_REFUSAL],
        [wire.DONE],
        [],
    ],
)
def test_a_decoder_that_lies_costs_one_refusal(
    told: Callable[[Script], list[object]], lies: list[bytes]
) -> None:
    """Sizes, rates, counts and boxes that cannot be are not believed."""

    def script(conversation: socket.socket, ring: mmap.mmap) -> None:
        for lie in lies:
            conversation.send(lie)
        if lies[-1:] != [wire.DONE]:
            conversation.shutdown(socket.SHUT_WR)

    with pytest.raises(WalkRefused) as refusal:
        told(script)
    assert refusal.type is MediaNotReadable


def test_a_mask_is_cut_to_its_box_whatever_the_decoder_says(
    told: Callable[[Script], list[object]],
) -> None:
    """Values above one become one; empty borders and empty masks go."""

    def script(conversation: socket.socket, ring: mmap.mmap) -> None:
        ring[: 4 * 6] = bytes(6) + b"\0\x09\x09\0\0\0" * 2 + bytes(6)
        conversation.send(_silhouettes(8, 8))
        conversation.send(_silhouette(1, 1, 4, 6))
        conversation.send(_silhouette(0, 0, 4, 4))
        conversation.send(wire.DONE)

    first, second = told(script)
    assert second is None
    assert (first.top, first.left, first.mask_hw.tolist()) == (2, 2, [[1, 1], [1, 1]])  # type: ignore[attr-defined]

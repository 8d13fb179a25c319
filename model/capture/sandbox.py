"""Processes that decode one upload each, started ahead of time.

A process that parses a stranger's bytes is not to be trusted afterwards, so it serves one upload
and dies. Starting an interpreter with OpenCV takes half a second; so one process, the nursery
(`decoder_nursery.py`), is started once by program and stays clean: it never sees an upload, runs
no second thread, and always has one fork of itself waiting for the next request.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from model.capture import sandbox_wire as wire

_START_SECONDS = 60.0
"""For a decoder to answer; the first one waits for the nursery to load OpenCV."""
_ATTEMPTS, _PAUSE_SECONDS = 3, 0.2
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TZ")
"""Of the environment; keys and addresses of the service are not the decoder's business."""
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW


class Decoder:
    """One decoding process at work, as the service sees it.

    Args:
        conversation: the socket to it.
        ring: the memory shared with it.
        process: a handle (pidfd) to it.
    """

    def __init__(self, conversation: socket.socket, ring: mmap.mmap, process: int) -> None:
        self.ring = ring
        self._conversation = conversation
        self._conversation.setblocking(False)
        self._arrival = select.poll()
        self._arrival.register(conversation, select.POLLIN)
        self._process = process

    def receive(self, timeout_seconds: float) -> bytes:
        """The next message; empty when the process has died or hung up.

        Raises:
            TimeoutError: nothing came in time.
        """
        if timeout_seconds <= 0.0 or not self._arrival.poll(timeout_seconds * 1000.0):
            raise TimeoutError
        try:
            return self._conversation.recv(wire.MAX_MESSAGE_BYTES)
        except ConnectionError:
            return b""

    def free_slots(self, count: int) -> None:
        """Lets the process write over the oldest slots that were read."""
        # One that has died is noticed by the next `receive`; one that does not listen stops.
        with suppress(ConnectionError, BlockingIOError):
            self._conversation.send(wire.FREE + wire.COUNT.pack(count))

    def close(self) -> None:
        """Ends the process, whatever it is doing, and gives back the memory."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        os.close(self._process)
        self._conversation.close()
        with suppress(BufferError):  # a frame is still held; the memory goes with it
            self.ring.close()


def start_decoder(plan: dict[str, Any], ring_bytes: int) -> Decoder:
    """Puts the waiting process to work.

    Args:
        plan: what `decoder_nursery.py` needs to know.
        ring_bytes: of shared memory.

    Raises:
        OSError: no process can be started; nothing is said about the upload.
    """
    for _ in range(_ATTEMPTS - 1):
        # The waiting process, or the nursery itself, may have been killed since the last upload.
        with suppress(ConnectionError):
            return _start(_nursery(), plan, ring_bytes)
        time.sleep(_PAUSE_SECONDS)
    return _start(_nursery(), plan, ring_bytes)


def warm_up() -> None:
    """Starts the nursery, so that not even the first upload waits for it."""
    _nursery()


def _start(nursery: _Nursery, plan: dict[str, Any], ring_bytes: int) -> Decoder:
    packed_plan = json.dumps(plan).encode()
    memory = os.memfd_create("walkprint-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        ring = _shared(memory, max(ring_bytes, len(packed_plan)))
        ring[: len(packed_plan)] = packed_plan
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                request = wire.REQUEST.pack(len(packed_plan))
                socket.send_fds(nursery.requests, [request], [theirs.fileno(), memory])
            ours.settimeout(_START_SECONDS)
            hello, handles, _, _ = socket.recv_fds(ours, wire.MAX_MESSAGE_BYTES, 1)
            if hello != wire.HELLO or len(handles) != 1:
                raise ConnectionError("The process that decodes uploads did not start.")
            return Decoder(ours, ring, handles[0])
        except BaseException:
            ours.close()
            ring.close()
            raise
    finally:
        os.close(memory)


def _shared(memory: int, size: int) -> mmap.mmap:
    os.ftruncate(memory, size)
    # A decoder that could shrink it would kill the service at its next look at a frame.
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
    return mmap.mmap(memory, size)


class _Nursery:
    """The process that decoders are forked from; it lives as long as `requests` is open."""

    def __init__(self) -> None:
        self.requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and program
                [
                    sys.executable,
                    "-I",
                    str(Path(__file__).with_name("sandbox_boot.py")),
                    str(theirs.fileno()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd="/",
                start_new_session=True,  # a Ctrl-C at the terminal is not meant for it
                pass_fds=(theirs.fileno(),),
            )

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked for a decoder."""
        return self._process.poll() is None

    def close(self) -> None:
        """Hangs up and waits until the process is gone."""
        self.requests.close()
        self._process.kill()
        self._process.wait()


_lock = threading.Lock()
_current: list[_Nursery] = []
_inherited: list[_Nursery] = []
"""Of the process that this one was forked from: not ours to ask, to end or to wait for."""


def _nursery() -> _Nursery:
    with _lock:
        if _current and not _current[0].is_alive:
            _current.pop().close()
        if not _current:
            _current.append(_Nursery())
        return _current[0]


def _disinherit() -> None:
    global _lock
    _lock = threading.Lock()  # another thread may have held it at the moment of the fork
    for nursery in _current:
        nursery.requests.close()
    _inherited.extend(_current)
    _current.clear()


@atexit.register
def _close_nursery() -> None:
    with _lock:
        while _current:
            _current.pop().close()


os.register_at_fork(after_in_child=_disinherit)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OPENCV_LOG_LEVEL": "SILENT",
        "OPENCV_FFMPEG_LOGLEVEL": "-8",
    }

"""Forks one decoder after the other, each for one upload; in a process of its own.

The fork that waits takes the next request itself and says so over a pipe, upon which the nursery
makes another. The nursery never touches an upload and never runs a second thread, so its forks
are as good as new interpreters and cost a hundredth.
"""

from __future__ import annotations

import encodings.cp437  # noqa: F401  # names in a zip; a decoder cannot load it any more
import gc
import io
import json
import mmap
import os
import signal
import socket
import time
from typing import NoReturn

import cv2

from model.capture import lockdown
from model.capture import sandbox_wire as wire
from model.capture.limits import CaptureLimits
from model.capture.media_reader import read_media
from model.capture.shared_sink import SharedSink
from model.refusals import WalkRefused

_TAKEN, _HANG_UP = b"t", b"h"
_PAUSE_SECONDS = 0.1
"""Between forks that die without work, which only an outsider's kill or a lack of memory does."""


def main(requests: socket.socket) -> None:
    """Keeps one decoder waiting until nobody is left who could ask for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a decoder ended
    cv2.setNumThreads(1)
    gc.freeze()  # what is shared with the forks stays shared
    nursery = os.getpid()
    while True:
        heard, told = os.pipe()
        if os.fork() == 0:
            os.close(heard)
            _decode_one(requests, told, nursery)
        os.close(told)
        word = os.read(heard, 1)
        os.close(heard)
        if word == _HANG_UP:
            return
        if word != _TAKEN:
            time.sleep(_PAUSE_SECONDS)


def _decode_one(requests: socket.socket, told: int, nursery: int) -> NoReturn:
    try:
        lockdown.die_with(nursery)
        request, handles, _, _ = socket.recv_fds(requests, wire.REQUEST.size, 2)
        os.write(told, _TAKEN if request else _HANG_UP)
        os.close(told)
        requests.close()
        if request:
            _converse(request, *handles)
    finally:
        # Whatever went wrong, nothing of the nursery's own program may run here.
        os._exit(0)


def _converse(request: bytes, conversation_handle: int, memory: int) -> None:
    conversation = socket.socket(fileno=conversation_handle)
    ring = mmap.mmap(memory, 0)
    (plan_bytes,) = wire.REQUEST.unpack(request)
    plan = json.loads(ring[:plan_bytes])
    socket.send_fds(conversation, [wire.HELLO], [os.pidfd_open(os.getpid())])
    limits = CaptureLimits(**plan["limits"])
    lockdown.limit_files(len(plan["paths"]))
    try:
        files = [io.FileIO(path) for path in plan["paths"]]
    except OSError as error:
        conversation.send(wire.NO_FILE + wire.ERROR_NUMBER.pack(error.errno or 0))
        return
    lockdown.limit_resources(
        cpu_seconds=limits.decode_timeout_seconds * plan["threads"] + 1.0,
        memory_bytes=limits.memory_bytes,
    )
    if not lockdown.filter_system_calls():
        conversation.send(wire.UNCONFINED)
    sink = SharedSink(conversation, ring)
    try:
        read_media(files, limits, sink, threads=plan["threads"])
    except WalkRefused as refusal:
        conversation.send(wire.pack_refusal(refusal))
    else:
        sink.finish()
    # Whoever leaves with messages unread takes back those that the other side has not read yet.
    while conversation.recv(1):
        pass

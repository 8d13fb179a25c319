"""Callers that speak HTTP badly, on purpose: bytes straight onto a socket."""

from __future__ import annotations

import json
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HOST = b"Host: localhost\r\n"


@dataclass(frozen=True)
class Heard:
    """What came back until the service closed the connection.

    Attributes:
        raw: every byte.
    """

    raw: bytes

    @property
    def statuses(self) -> list[int]:
        """Of every answer, in their order."""
        lines = self.raw.split(b"HTTP/1.1 ")[1:]
        return [int(line[:3]) for line in lines]

    @property
    def slug(self) -> str:
        """The type of the last answer's problem."""
        document = json.loads(self.raw.rpartition(b"\r\n\r\n")[2])
        return str(document["type"]).removeprefix("/problems/")


def connect(url: str, *, timeout: float = 30.0) -> socket.socket:
    """A connection that nothing has been sent on."""
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=timeout)


def say(url: str, *pieces: bytes, pause_seconds: float = 0.0) -> Heard:
    """Sends pieces on a new connection and hears the service out."""
    with connect(url) as raw:
        try:
            for piece in pieces:
                raw.sendall(piece)
                time.sleep(pause_seconds)
        except OSError:
            pass  # it was closed in our face: what it said before is read below
        return hear(raw)


def hear(raw: socket.socket) -> Heard:
    """Reads to the end of the connection."""
    received = bytearray()
    try:
        while block := raw.recv(65536):
            received += block
    except ConnectionError:
        pass  # reset: there were bytes of ours that nobody read
    return Heard(bytes(received))


@dataclass
class Patient:
    """A well-behaved caller in the middle of all that.

    Attributes:
        seconds: how long each of its calls took.
        failures: what went wrong with the others.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def worst_seconds(self) -> float:
        """Of the slowest answer."""
        return max(self.seconds)

    def __str__(self) -> str:
        """Count, median and slowest."""
        median = statistics.median(self.seconds)
        return (
            f"{len(self.seconds)} calls, median {1000 * median:.1f} ms,"
            f" slowest {1000 * self.worst_seconds:.0f} ms"
        )


@contextmanager
def healthy_calls(url: str, path: str = "/galleries") -> Iterator[Patient]:
    """Somebody who calls again and again, each time on a new connection, while the block runs."""
    patient, ended = Patient(), threading.Event()
    asking = f"GET {path} HTTP/1.1\r\n".encode() + HOST + b"Connection: close\r\n\r\n"

    def call() -> None:
        while not ended.is_set():
            begun = time.perf_counter()
            try:
                statuses = say(url, asking).statuses
            except OSError as wrong:
                patient.failures.append(f"{type(wrong).__name__}: {wrong}")
            else:
                patient.seconds.append(time.perf_counter() - begun)
                if statuses != [200]:
                    patient.failures.append(f"answered {statuses}")
            ended.wait(0.02)

    caller = threading.Thread(target=call)
    caller.start()
    try:
        yield patient
    finally:
        ended.set()
        caller.join()
    assert patient.failures == []
    assert patient.seconds

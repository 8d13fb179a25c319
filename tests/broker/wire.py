"""A wire between a worker and the broker that can be cut without anybody being told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import sleep


class Wire:
    """Passes connections on; while it is cut, bytes vanish and nobody hears of an end.

    Args:
        port: of the broker, on loopback.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_cut = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The broker, through the wire."""
        return f"amqp://guest:guest@127.0.0.1:{self._listener.getsockname()[1]}/"

    def cut(self) -> None:
        """From now on nothing arrives, in either direction."""
        self._is_cut.set()

    def mend(self) -> None:
        """New connections pass again; what vanished stays so."""
        self._is_cut.clear()

    def close(self) -> None:
        """Ends everything."""
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut.is_set():
                self._open.append(near)  # and nothing is ever said
                continue
            far = socket.create_connection(("127.0.0.1", self._port))
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._is_cut.is_set():
                    break
                target.sendall(data)
        # A cut wire does not even say that it ended.
        while self._is_cut.is_set():
            sleep(0.05)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire_to(port: int) -> Iterator[Wire]:
    """A wire to a broker, whole at first."""
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.close()

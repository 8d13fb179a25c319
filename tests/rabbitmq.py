"""A real RabbitMQ broker on free loopback ports, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.demo.service_process import free_port

_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
_EPMD = "/usr/bin/epmd"
_START_SECONDS = 120.0


class RabbitServer:
    """One broker. Made by `rabbit_server`.

    Args:
        folder: for everything it writes; a restart finds it there again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._ports = {
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(free_port()),
        }
        self._process: subprocess.Popen[bytes] | None = None
        # Otherwise the broker starts one that stays for ever.
        self._names = subprocess.Popen(  # noqa: S603
            [_EPMD, "-address", "127.0.0.1", "-port", self._ports["ERL_EPMD_PORT"]]
        )

    @property
    def url(self) -> str:
        """Where it listens; the same after a restart."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    @property
    def port(self) -> int:
        """Of the address."""
        return self._port

    @property
    def pid(self) -> int:
        """Of what runs; the Erlang machine is a child of it."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it and waits until it answers."""
        log = (self._folder / "output.log").open("ab")
        self._process = subprocess.Popen(  # noqa: S603
            [_PROGRAMS / "rabbitmq-server"],
            env=self._environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self._folder / "output.log").read_text()[-2000:])
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends it in order, as a restart does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once, as a crash does."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Ends everything."""
        self.kill()
        self._names.terminate()
        self._names.wait()

    def control(self, *words: str) -> str:
        """Runs `rabbitmqctl` on it; returns what it prints."""
        done = subprocess.run(  # noqa: S603
            [_PROGRAMS / "rabbitmqctl", "--quiet", *words],
            env=self._environment(),
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        # The Erlang machine is a child of the shell that was started, in the same session.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, how)
        self._process.wait(timeout=_START_SECONDS)
        while self._answers():
            time.sleep(0.05)
        self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1.0) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(connection.recv(1))
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),  # its cookie
            "RABBITMQ_NODENAME": f"walkprint-{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}"
            ),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "LANG": "C.UTF-8",
            **self._ports,
        }


@contextmanager
def rabbit_server() -> Iterator[RabbitServer]:
    """Starts a broker and stops it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="walkprint-rabbit-"))
    # A laptop's full disk is no business of these tests.
    (folder / "rabbitmq.conf").write_text("disk_free_limit.absolute = 1MB\nloopback_users = none\n")
    (folder / "plugins").write_text("[].\n")
    server = RabbitServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)

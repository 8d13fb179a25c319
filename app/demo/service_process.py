"""A real service as a child process, on loopback, with a data folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from app.client import Client

# A start takes about three seconds; a machine that is busy otherwise may need many times that.
_START_SECONDS = 180.0
_STOP_SECONDS = 20.0
# What belongs to another service that this shell may be set up for: where others reach it, whose
# data it keeps, whom it lets in.
_NOT_INHERITED = frozenset(
    f"WALKPRINT_{name}"
    for name in (
        *("HOST", "ALLOWED_HOSTS", "DATABASE_URL", "BROKER_URL", "SIGNING_KEY"),
        *("STORAGE", "STORAGE_ENDPOINT"),
        *("BOOTSTRAP_KEY", "OIDC_ISSUER", "OIDC_AUDIENCE"),
    )
)


class ServiceDidNotStart(Exception):
    """The service ended, or was not ready in time; the message holds the end of its log."""


class ServiceProcess:
    """Runs `walkprint serve`; `with` waits until it is ready and stops it at the end.

    Args:
        data: folder for everything the service keeps; its log goes to `service.log` there.
        port: TCP port; 0 takes a free one.
        environment: further `WALKPRINT_*` variables. Of those around it, the service does not get
            the ones that would take it from loopback, from its folder, or from being open.

    Attributes:
        url: where it listens.
        start_seconds: from start to the first ready answer, in seconds.

    Raises:
        ServiceDidNotStart: on entering.
    """

    def __init__(
        self, data: Path, *, port: int = 0, environment: dict[str, str] | None = None
    ) -> None:
        self.data = data
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = data / "service.log"
        self.start_seconds = 0.0
        inherited = {
            key: text
            for key, text in os.environ.items()
            # A secret may be named by its file: WALKPRINT_DATABASE_URL_FILE.
            if key.removesuffix("_FILE") not in _NOT_INHERITED
        }
        self._environment = inherited | (environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.data.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        command = [sys.executable, "-m", "app.cli", "serve"]
        command += ["--port", str(self.port), "--data", str(self.data)]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own program and arguments)
                command, stdout=log, stderr=subprocess.STDOUT, env=self._environment
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.perf_counter() - started
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the running process.

        Raises:
            ServiceDidNotStart: it is not running.
        """
        if self._process is None:
            raise ServiceDidNotStart("The service was not started.")
        return self._process.pid

    def wait(self) -> int:
        """Waits until the service ends by itself; gives its exit code."""
        return self._process.wait() if self._process else 0

    def stop(self) -> None:
        """Asks the service to end its work and go; kills it when it does not."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        with Client(self.url, api_key="") as client:
            while not client.is_ready():
                if process.poll() is not None:
                    reason = f"it ended with exit code {process.returncode}"
                elif time.monotonic() > deadline:
                    reason = f"it was not ready within {_START_SECONDS:g} s"
                else:
                    time.sleep(0.02)
                    continue
                raise ServiceDidNotStart(f"The service did not start: {reason}.\n{self._log_end()}")

    def _log_end(self) -> str:
        return self.log_path.read_text(errors="replace")[-2000:]


def free_port() -> int:
    """A TCP port of loopback that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

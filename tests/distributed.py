"""A service and its workers as processes of their own, over PostgreSQL and RabbitMQ."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

from app.demo.service_process import ServiceProcess, free_port

_START_SECONDS = 180.0


class WorkerProcess:
    """Runs `walkprint worker`; `with` waits until it is ready and ends it.

    Args:
        data: the folder that it shares with the service.
        environment: of `town_environment`.
        name: of its log in the folder.

    Attributes:
        log_path: what it said.
        url: of its probes.
    """

    def __init__(self, data: Path, environment: dict[str, str], *, name: str = "worker") -> None:
        port = free_port()
        self.log_path = data / f"{name}.log"
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "app.cli", "worker", "--port", str(port)]
        self._command += ["--data", str(data)]
        self._environment = dict(os.environ) | environment
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it, and does not wait."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                self._command, stdout=log, stderr=subprocess.STDOUT, env=self._environment
            )

    def wait_until_ready(self) -> None:
        """Waits until it fetches jobs."""
        until = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            if not self.is_running or time.monotonic() > until:
                raise RuntimeError(self.log_path.read_text()[-2000:])
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """What it says of itself."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5.0).status_code == 200
        except httpx.TransportError:
            return False

    def jobs_in_hand(self) -> int:
        """Jobs that it works on at this moment."""
        metrics = httpx.get(f"{self.url}/metrics", timeout=5.0).text
        found = re.search(r"^walkprint_jobs_running (\S+)", metrics, flags=re.MULTILINE)
        assert found is not None
        return int(float(found[1]))

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Ends it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int | None:
        """Ends it in order; gives its exit code."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60.0)


def town_environment(database_url: str, broker_url: str, **more: str) -> dict[str, str]:
    """What makes processes one service: the same database, the same broker."""
    return {
        "WALKPRINT_DATABASE_URL": database_url,
        "WALKPRINT_BROKER_URL": broker_url,
        "WALKPRINT_WORKERS": "1",
        **more,
    }


def service_of(data: Path, environment: dict[str, str]) -> ServiceProcess:
    """A service that has its work done elsewhere; ready once a worker was."""
    return ServiceProcess(data, environment=environment)

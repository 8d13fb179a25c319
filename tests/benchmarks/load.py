"""The load: prepared requests over kept-open connections, as cheap in CPU as Python allows.

It shares the cores with the service, so what it uses itself is measured and printed.
Run as a program it is a process of its own: `python -m tests.benchmarks.load PLAN.json`.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

_BOUNDARY = "walkprint-bench"
# Thousands of calls may wait for the same two cores.
_PATIENCE_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one round of load does.

    Attributes:
        port: of the service on loopback.
        gallery: to search.
        walks: paths of the probes; the clients take them in turn.
        clients: connections, each with one request at a time.
        seconds: how long requests are started.
    """

    port: int
    gallery: str
    walks: tuple[str, ...]
    clients: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round of load saw.

    Attributes:
        answered: requests answered 200.
        seconds: from the first request to the last answer.
        cpu_seconds: of the load process itself.
        milliseconds: each request's round trip.
    """

    answered: int
    seconds: float
    cpu_seconds: float
    milliseconds: list[float]


class Asker:
    """One client: one connection, one request at a time."""

    def __init__(self, port: int, gallery: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
        self._gallery = gallery

    def identify(self, body: bytes) -> dict[str, object]:
        """Sends a prepared body; gives the answer.

        Raises:
            RuntimeError: the service did not answer 200.
        """
        headers = {
            "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        self._connection.request("POST", "/identify", body, headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {content[:300]!r}")
        answer: dict[str, object] = json.loads(content)
        return answer

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def body_of(walk: Path, gallery: str) -> bytes:
    """The multipart body that asks for one walk."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="gallery"\r\n\r\n{gallery}\r\n'
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="walk"; filename="{walk.name}"\r\n'
        "Content-Type: application/zip\r\n\r\n"
    )
    return head.encode() + walk.read_bytes() + f"\r\n--{_BOUNDARY}--\r\n".encode()


def run_elsewhere(plan: Plan) -> Outcome:
    """Runs the plan in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.load", json.dumps(asdict(plan))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return Outcome(**json.loads(done.stdout))


def _run(plan: Plan) -> Outcome:
    bodies = [body_of(Path(walk), plan.gallery) for walk in plan.walks]
    milliseconds: list[float] = []
    failures: list[BaseException] = []
    started = time.perf_counter()

    def ask(client: int) -> None:
        asker = Asker(plan.port, plan.gallery)
        turn = client
        try:
            while time.perf_counter() - started < plan.seconds:
                begun = time.perf_counter()
                asker.identify(bodies[turn % len(bodies)])
                milliseconds.append(1000.0 * (time.perf_counter() - begun))
                turn += plan.clients
        except BaseException as failure:
            failures.append(failure)
        finally:
            asker.close()

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(plan.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    seconds = time.perf_counter() - started
    return Outcome(len(milliseconds), seconds, time.process_time(), milliseconds)


if __name__ == "__main__":
    words = json.loads(sys.argv[1])
    outcome = _run(Plan(**{**words, "walks": tuple(words["walks"])}))
    sys.stdout.write(json.dumps(asdict(outcome)))

"""Builds, starts, breaks and takes down the deployment: `make compose-test` (needs Docker).

In a project of its own, so that a running deployment is left alone. Every enrolment is
asked for with `Prefer: respond-async`, and every one that was accepted must be found at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.walks import walk_zip

_ROOT = Path(__file__).parents[2]
_PROJECT = "walkprint-compose-test"
_ADDRESS = "127.0.0.1:18080"
_PEOPLE = 12
_PATIENCE_SECONDS = 300.0


def _compose(*words: str, secrets: Path) -> str:
    """Runs `docker compose` on the test's project; returns what it printed."""
    environment = {
        **os.environ,
        "WALKPRINT_SECRETS": str(secrets),
        "WALKPRINT_PUBLISH": _ADDRESS,
    }
    ran = subprocess.run(  # noqa: S603 - our own words
        ["docker", "compose", "--project-name", _PROJECT, *words],  # noqa: S607
        cwd=_ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if ran.returncode != 0:
        raise SystemExit(f"docker compose {' '.join(words)} failed:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def _accepted(http: httpx.Client, subject: str, person: int) -> str:
    """Asks for an enrolment and repeats it, by its key, until it is accepted; the job's path."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = http.post(
                "/enroll",
                data={"subject": subject},
                files={"walk": ("walk.zip", walk_zip(person), "application/zip")},
                headers={"Prefer": "respond-async", "Idempotency-Key": subject},
            )
        except httpx.TransportError:
            time.sleep(0.5)
            continue
        if answer.status_code in {201, 202}:
            location: str = answer.headers.get("Location", "")
            return location
        if answer.status_code not in {429, 502, 503, 504}:
            raise SystemExit(f"{subject}: {answer.status_code} {answer.text}")
        time.sleep(0.5)
    raise SystemExit(f"{subject}: not accepted within {_PATIENCE_SECONDS:g} s")


def _check_all(http: httpx.Client, people: dict[str, int]) -> None:
    """Waits until every accepted enrolment can be found, each applied once."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for subject, person in people.items():
        while True:
            try:
                answer = http.get(f"/subjects/{subject}/walks")
                if answer.status_code == 200 and answer.json()["walks"]:
                    break
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise SystemExit(f"LOST: {subject}")
            time.sleep(0.3)
        if len(answer.json()["walks"]) != 1:
            raise SystemExit(f"APPLIED TWICE: {subject}")
        result = _identified(http, person)
        if result.get("subject") != subject:
            raise SystemExit(f"NOT FOUND: {subject}: {result}")


def _identified(http: httpx.Client, person: int) -> dict[str, Any]:
    """Who is walking; of an answer that the wait was too short for, once its job has ended."""
    started = time.monotonic()
    answer = http.post("/identify", files={"walk": ("walk.zip", walk_zip(person))})
    document: dict[str, Any] = answer.json()
    if answer.status_code != 202:
        return document
    while document["state"] not in {"succeeded", "failed"}:
        if time.monotonic() - started > _PATIENCE_SECONDS:
            raise SystemExit(f"A JOB STAYS: {document}")
        time.sleep(0.5)
        document = http.get(answer.headers["Location"]).json()
    sys.stdout.write(f"  an answer took {time.monotonic() - started:.1f} s\n")
    result: dict[str, Any] = document.get("result") or document
    return result


def _trial(http: httpx.Client, secrets: Path) -> None:
    """Each kind of trouble in turn, with work in flight."""

    def kill_worker() -> None:
        # From within: what `docker kill` ends stays down, and a crash must not.
        _compose("exec", "-T", "worker", "python", "-c", _KILL, secrets=secrets)

    troubles: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "a worker is killed": kill_worker,
        "the broker restarts": lambda: _compose("restart", "broker", secrets=secrets),
        "the database restarts": lambda: _compose("restart", "database", secrets=secrets),
        "three workers": lambda: _compose(
            "up", "-d", "--no-build", "--wait", "--scale", "worker=3", secrets=secrets
        ),
    }
    people: dict[str, int] = {}
    for round_number, (trouble, cause) in enumerate(troubles.items()):
        started = time.monotonic()
        fresh = {f"p{round_number}-{n}": round_number * _PEOPLE + n for n in range(_PEOPLE)}
        for subject, person in fresh.items():
            _accepted(http, subject, person)
        cause()
        people |= fresh
        _check_all(http, people)
        seconds = time.monotonic() - started
        sys.stdout.write(
            f"{trouble}: {len(fresh)} in flight, {len(people)} of {len(people)} found,"
            f" each once, {seconds:.1f} s\n"
        )
        sys.stdout.flush()


# The service in the container, not the init process that would start nothing anew.
_KILL = (
    "import os,signal,pathlib;"
    "[os.kill(int(p.name),signal.SIGKILL) for p in pathlib.Path('/proc').glob('[0-9]*')"
    " if p.name!=str(os.getpid()) and b'walkprint\\0worker' in (p/'cmdline').read_bytes()"
    " and int(p.name)!=1]"
)


def main() -> None:
    """The whole trial; ends with 1 and a sentence when something was lost."""
    with tempfile.TemporaryDirectory(prefix="walkprint-secrets-") as folder:
        secrets = Path(folder)
        subprocess.run(  # noqa: S603
            ["sh", str(_ROOT / "docker/make-secrets"), folder],  # noqa: S607
            check=True,
            stdout=subprocess.DEVNULL,
        )
        key = (secrets / "bootstrap_key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        try:
            build = [] if os.environ.get("NO_BUILD") else ["--build"]
            started = time.monotonic()
            _compose("up", "-d", "--wait", *build, secrets=secrets)
            sys.stdout.write(f"up and healthy after {time.monotonic() - started:.1f} s\n")
            with httpx.Client(
                base_url=f"http://{_ADDRESS}", headers=headers, timeout=120.0
            ) as http:
                _trial(http, secrets)
        finally:
            _compose("down", "--volumes", "--timeout", "10", secrets=secrets)
    sys.stdout.write("Nothing was lost.\n")


if __name__ == "__main__":
    main()

"""schemathesis against a running service: `python -m tests.security.schemathesis_run`.

    --examples 20     of each operation, and as many sequences of linked operations
    --minutes 20      instead: go on for so long
    --seed 1

Reads the service's own OpenAPI document and calls every operation: with its examples, with values
at the borders of what the document allows, with random values of both kinds, and in sequences that
use the ids of earlier answers. Any 5xx, undocumented status, header, type or shape of an answer,
any refusal of what the document allows and any acceptance of what it does not is a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.demo.service_process import ServiceProcess
from tests.walks import walk_zip

_PEOPLE = 3
KEY_ID = "schemathes"
_ENVIRONMENT = {
    "WALKPRINT_DEVICE": "cpu",
    "WALKPRINT_WAIT_SECONDS": "10",
    "WALKPRINT_LOG_LEVEL": "error",
    # Thousands of calls a minute, many without a key, are not what these limits are for.
    "WALKPRINT_REQUESTS_PER_MINUTE": "0",
    "WALKPRINT_FAILURES_PER_MINUTE": "0",
}
# Rules that a document cannot express: which bytes are a walk, that a cursor is one of ours.
_REFUSED = ["400", "401", "403", "404", "405", "409", "411", "413", "414", "415", "422", "429"]
_REFUSED_ALL_THE_SAME = ["2xx", "400", "401", "403", "404", "409", "413", "422", "429"]


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        passed: nothing was found.
        report: what schemathesis printed.
        log: what the service logged.
    """

    passed: bool
    report: str
    log: str


def run(folder: Path, *, examples: int, seed: int, seconds: int | None = None) -> Outcome:
    """Starts a service, gives it people to be asked for, and lets schemathesis at it.

    Args:
        folder: for everything.
        examples: of each operation.
        seed: repeats a run.
        seconds: how long to go on; None for one round.
    """
    key = f"wp_{KEY_ID}_{secrets.token_urlsafe(32)}"
    settings = _ENVIRONMENT | {"WALKPRINT_BOOTSTRAP_KEY": key}
    with (
        ServiceProcess(folder / "service", environment=settings) as service,
        httpx.Client(
            base_url=service.url, timeout=60.0, headers={"Authorization": f"Bearer {key}"}
        ) as http,
    ):
        environment = os.environ | _prepare(folder, http)
        config = folder / "schemathesis.toml"
        config.write_text(_config(_known(http)))
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "--no-color"),
            *("--config-file", str(config)),
            *("run", f"{service.url}/openapi.json"),
            *("--max-examples", str(examples), "--seed", str(seed), "--no-shrink"),
            *("--request-timeout", "60", "--warnings", "off"),
            *("--header", f"Authorization: Bearer {key}"),
            *(("--max-time", str(seconds)) if seconds is not None else ()),
        ]
        done = subprocess.run(  # noqa: S603 - our own command
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        log = service.log_path.read_text()
        http.get("/keys").raise_for_status()  # the calls had their key to the end
    return Outcome(done.returncode == 0, done.stdout + done.stderr, log)


def _prepare(folder: Path, http: httpx.Client) -> dict[str, str]:
    """Enrols people; returns where the hooks find a walk and a gallery file."""
    for person in range(1, _PEOPLE + 1):
        _enrol(http, f"person-{person}", walk_zip(person))
    exported = http.get("/galleries/known/export").raise_for_status().content
    walk, gallery = folder / "walk.zip", folder / "gallery.jsonl"
    walk.write_bytes(walk_zip(1, walk=2))
    gallery.write_bytes(exported)
    return {
        "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("api_hooks.py")),
        "WALKPRINT_TEST_WALK": str(walk),
        "WALKPRINT_TEST_GALLERY": str(gallery),
        "WALKPRINT_TEST_KEY_ID": KEY_ID,
    }


def _enrol(http: httpx.Client, subject: str, walk: bytes) -> None:
    fields = {"subject": subject, "gallery": "known"}
    http.post("/enroll", data=fields, files={"walk": walk}).raise_for_status()


def _known(http: httpx.Client) -> dict[str, list[str]]:
    """Ids that exist, by the names of the parameters that take them."""
    subjects = [f"person-{person}" for person in range(1, _PEOPLE + 1)]
    walks: list[dict[str, str]] = []
    for subject in subjects:
        found = http.get(f"/subjects/{subject}/walks", params={"gallery": "known"})
        walks += found.raise_for_status().json()["walks"]
    checkpoints = http.get("/checkpoints").raise_for_status().json()["checkpoints"]
    _enrol(http, "twice", walk_zip(1, walk=3))
    merge = http.post("/subjects/twice/merge", json={"into": subjects[0]}).raise_for_status()
    return {
        "subject": subjects,
        "walk": [walk["id"] for walk in walks],
        "job": [walk["job"] for walk in walks],
        "gallery": ["known", "empty"],
        "checkpoint": [row["id"] for row in checkpoints],
        "merge": [merge.json()["id"]],
    }


def _config(known: dict[str, list[str]]) -> str:
    """schemathesis' configuration; JSON's lists and texts are TOML's as well."""
    lines = [
        "[checks.negative_data_rejection]",
        f"expected-statuses = {json.dumps(_REFUSED)}",
        "[checks.positive_data_acceptance]",
        f"expected-statuses = {json.dumps(_REFUSED_ALL_THE_SAME)}",
    ]
    for name, values in known.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
    lines += ["[parameters]"]
    for name in known:
        binding = f'{{ dictionary = "{name}", probability = 0.7 }}'
        lines += [f'"path.{name}" = {binding}']
    lines += ['"query.gallery" = { dictionary = "gallery", probability = 0.7 }']
    return "\n".join([*lines, ""])


def main() -> None:
    """Prints the report; ends with 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    seconds = None if asked.minutes is None else max(1, round(60 * asked.minutes))
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), examples=asked.examples, seed=asked.seed, seconds=seconds)
    sys.stdout.write(outcome.report + outcome.log)
    sys.exit(0 if outcome.passed and not outcome.log else 1)


if __name__ == "__main__":
    main()

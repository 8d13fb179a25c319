"""A real Prometheus scrapes a real service, and evaluates the rules on what it finds."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.demo.service_process import free_port
from app.settings import Settings
from tests.decoders import wait_until
from tests.live_service import LiveService, live_service
from tests.programs import path_of
from tests.walks import walk_zip

_RULES = Path(__file__).parents[2] / "docker" / "monitoring" / "prometheus" / "alerts.yml"
_GALLERY, _SUBJECT = "north-gate", "ada-2471"

# What labels may be called. None of these grows with the galleries or the people.
_LABELS = {
    "decision",
    "kind",
    "le",
    "method",
    "priority",
    "problem",
    "queue",
    "reason",
    "route",
    "stage",
    "state",
    "status",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """One that has enrolled, identified, refused, and let a job expire."""
    settings = Settings(data=tmp_path_factory.mktemp("watched"), device="cpu")
    with live_service(settings) as running:
        assert _send(running, "/enroll", walk_zip(1, walk=1), subject=_SUBJECT).status_code == 201
        assert _send(running, "/identify", walk_zip(1, walk=2)).json()["subject"] == _SUBJECT
        assert _send(running, "/identify", b"PK\x03\x04 no archive").status_code == 422
        assert _send(running, "/identify", walk_zip(1), expires_in="0.000001").status_code == 504
        assert running.http.get(f"/subjects/{_SUBJECT}?gallery={_GALLERY}").status_code == 200
        yield running


def _send(service: LiveService, path: str, media: bytes, **fields: str) -> httpx.Response:
    return service.http.post(
        path, data={"gallery": _GALLERY, **fields}, files={"walk": ("walk.zip", media)}
    )


def _figures(service: LiveService) -> dict[str, float]:
    """Every series that is exposed, by name and labels."""
    lines = service.http.get("/metrics").text.splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_every_stage_and_every_end_is_counted(service: LiveService) -> None:
    figures = _figures(service)

    for stage in ("capture", "gei", "encode", "search", "store"):
        assert figures[f'walkprint_stage_seconds_count{{stage="{stage}"}}'] >= 2
    assert figures['walkprint_decisions_total{decision="match",kind="identify"}'] == 1
    assert figures['walkprint_job_problems_total{problem="media-not-readable"}'] == 1
    assert figures['walkprint_job_problems_total{problem="deadline-passed"}'] == 1
    assert figures['walkprint_job_wait_seconds_count{priority="interactive"}'] == 4
    assert figures["walkprint_walk_quality_score_count"] >= 2
    assert figures["walkprint_encoder_batch_walks_count"] >= 2
    assert figures["walkprint_jobs_crashed_total"] == 0


def test_the_index_says_that_it_follows(service: LiveService) -> None:
    def looked_at() -> float:
        return _figures(service)["walkprint_index_refreshed_timestamp_seconds"]

    wait_until(lambda: looked_at() > 0, "it looks")
    first = looked_at()
    wait_until(lambda: looked_at() > first, "it looks again")
    assert _figures(service)["walkprint_index_lag_revisions"] == 0


def test_no_label_grows_with_galleries_or_people(service: LiveService) -> None:
    figures = _figures(service)
    ours = [series for series in figures if series.startswith("walkprint_")]
    labels = {label for series in ours for label in re.findall(r'(\w+)="', series)}

    assert [series for series in ours if _GALLERY in series or _SUBJECT in series] == []
    assert labels <= _LABELS


@dataclass(frozen=True)
class Prometheus:
    """A running one."""

    http: httpx.Client

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        return self.http.get(f"/api/v1/{path}", params=parameters).json()["data"]

    def value(self, expression: str) -> float | None:
        """What an expression with one result is now."""
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None

    def is_ready(self) -> bool:
        """What it says of itself."""
        try:
            return self.http.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def prometheus(folder: Path, targets: dict[str, str]) -> Iterator[Prometheus]:
    """Starts one with the rules of the deployment; asks and evaluates every second."""
    program = path_of("prometheus")
    assert program is not None
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(_RULES)],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [target]}]}
            for job, target in targets.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own words
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'series'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=10.0) as http:
            running = Prometheus(http)
            wait_until(running.is_ready, "Prometheus is up")
            yield running
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.needs("prometheus")
def test_prometheus_reads_the_service_and_its_rules(service: LiveService, tmp_path: Path) -> None:
    """And a target that is away is on its way to an alert, while the service raises none."""
    nobody = f"127.0.0.1:{free_port()}"
    targets = {"api": service.url.removeprefix("http://"), "worker": nobody}
    with prometheus(tmp_path, targets) as watching:
        wait_until(lambda: watching.value('up{job="api"}') == 1, "the service is scraped")
        wait_until(
            lambda: (
                [alert["labels"]["job"] for alert in watching.ask("alerts")["alerts"]] == ["worker"]
            ),
            "an alert is pending",
        )
        (group,) = watching.ask("rules")["groups"]

        assert {rule["health"] for rule in group["rules"]} == {"ok"}
        assert watching.value('walkprint_decisions_total{decision="match"}') == 1
        assert watching.value("time() - walkprint_index_refreshed_timestamp_seconds") is not None

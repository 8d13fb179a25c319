"""SIGTERM: what runs may end, what waits stays accepted, nothing stays behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx

from app.client import Client
from app.demo.service_process import ServiceProcess
from tests.walks import walk_video, walk_zip

_ENVIRONMENT = {"WALKPRINT_DEVICE": "cpu", "WALKPRINT_WORKERS": "1"}
_JOBS = 12


def test_a_service_that_is_told_to_stop_hands_its_jobs_to_the_next(tmp_path: Path) -> None:
    with (
        ServiceProcess(tmp_path, environment=_ENVIRONMENT) as service,
        httpx.Client(base_url=service.url, timeout=60.0) as http,
    ):
        accepted = [
            http.post(
                "/enroll",
                data={"subject": f"s{number}"},
                files={"walk": walk_video(1) if number % 2 else walk_zip(1)},
                headers={"Prefer": "respond-async"},
            ).json()["id"]
            for number in range(_JOBS)
        ]
        os.kill(service.pid, signal.SIGTERM)
        service.wait()
    assert list((tmp_path / "instances").glob("*.lock")) == []

    with (
        ServiceProcess(tmp_path, environment=_ENVIRONMENT) as service,
        Client(service.url) as client,
    ):
        jobs = [client.wait_for_job(job, timeout_seconds=120) for job in accepted]
        walks = [row.walks for row in client.subjects()]
    left = [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]

    assert [job.state for job in jobs] == ["succeeded"] * _JOBS
    assert walks == [1] * _JOBS
    assert left == []
    log = (tmp_path / "service.log").read_text()
    assert "process died" not in log  # an orderly stop counts as no crash
    assert "Traceback" not in log

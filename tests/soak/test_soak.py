"""A short soak: hundreds of mixed requests at once, each answered as it must be.

`make soak` runs 100,000 and looks at the memory too.
"""

from __future__ import annotations

from pathlib import Path

from app.demo.service_process import ServiceProcess
from tests.soak.run import soak

_REQUESTS = 400


def test_mixed_requests_are_answered_as_they_must_be(tmp_path: Path) -> None:
    environment = {"WALKPRINT_DEVICE": "cpu", "WALKPRINT_LOG_LEVEL": "warning"}
    with ServiceProcess(tmp_path, environment=environment) as service:
        seen = soak(service, _REQUESTS)
        said = service.log_path.read_text()

    assert seen.surprises == []
    assert seen.requests >= _REQUESTS
    assert len(seen.errands) >= 6
    # It is open, as it says once at its start; nothing else was worth a warning.
    assert [line for line in said.splitlines() if "there is no key yet" not in line] == []
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []

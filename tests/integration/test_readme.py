"""What the README tells a newcomer to paste works as it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.demo.service_process import ServiceProcess

REPOSITORY = Path(__file__).parents[2]


def _blocks(language: str) -> list[str]:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(300)
def test_the_readme_s_curl_and_python_examples_do_what_they_say(tmp_path: Path) -> None:
    """Enrol, identify, verify, list and erase with curl; then the Python example."""
    curl_block = next(block for block in _blocks("sh") if "curl" in block)
    commands = [line for line in curl_block.splitlines() if line.startswith("curl")]
    assert len(commands) == 5
    with ServiceProcess(tmp_path / "data") as service:
        answers = [_run(line, service.url) for line in commands]
        enrolled, identified, verified, listed, _ = answers
        assert enrolled["subject"] == "passer-by"
        assert (identified["decision"], identified["subject"]) == ("match", "passer-by")
        assert verified["decision"] == "match"
        assert [subject["subject"] for subject in listed["subjects"]] == ["passer-by"]
        assert _run("curl -sS http://127.0.0.1:8000/subjects", service.url)["subjects"] == []
        (python_block,) = _blocks("python")
        printed = subprocess.run(  # noqa: S603 (our own README)
            [sys.executable, "-c", python_block.replace("http://127.0.0.1:8000", service.url)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        assert printed.stdout.startswith("match passer-by 1.0")


def _run(command: str, url: str) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 (our own README)
        ["bash", "-ec", command.replace("http://127.0.0.1:8000", url)],  # noqa: S607 (found on PATH)
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout or "{}")
    return answer

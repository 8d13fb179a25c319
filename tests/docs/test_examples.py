"""What the pages tell people to paste works as it stands, against a real service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.demo.service_process import ServiceProcess
from tests.docs.pages import REPOSITORY
from tests.walks import walk_video, walk_zip

SAMPLE = "app/samples/street.mp4"
URL = "http://127.0.0.1:8000"
_EXPECTED = re.compile(r"print\(.*\)  # (.*)$", re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    """The code of one language on a page of docs/."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One service for all pages; each example cleans up or has a gallery of its own."""
    with ServiceProcess(tmp_path_factory.mktemp("examples")) as running:
        yield running


def ran(words: list[str], service: ServiceProcess) -> str:
    """What a program prints; run where a reader stands, in the repository."""
    done = subprocess.run(  # noqa: S603 - our own pages
        words,
        cwd=REPOSITORY,
        env={**os.environ, "WALKPRINT_URL": service.url, "WALKPRINT_API_KEY": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, f"{words[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def shorter(tmp_path: Path) -> str:
    """A small clip for the sample: tests/integration/test_readme.py uses the sample itself."""
    clip = tmp_path / "street.mp4"
    clip.write_bytes(walk_video(0))
    return str(clip)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", ["clients.md", "api.md"])
def test_python_examples_print_what_the_page_says(
    service: ServiceProcess, page: str, shorter: str
) -> None:
    programs = blocks(page, "python")
    assert programs
    for program in programs:
        own = program.replace(URL, service.url).replace(SAMPLE, shorter)
        printed = ran([sys.executable, "-c", own], service)
        expected = _EXPECTED.findall(program)
        if expected:
            assert printed.splitlines() == expected


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", ["start.md", "api.md"])
def test_curl_examples_are_answered_without_an_error(
    service: ServiceProcess, page: str, shorter: str
) -> None:
    calls = [line for block in blocks(page, "sh") for line in block.splitlines()]
    assert calls
    for call in calls:
        assert call.startswith("curl -sS --fail-with-body")
        own = call.replace(URL, service.url).replace(SAMPLE, shorter)
        assert json.loads(ran(["bash", "-ec", own], service))


def test_the_confusion_table_finds_everybody_and_leaves_nobody_behind(
    service: ServiceProcess, tmp_path: Path
) -> None:
    for person, name in enumerate(("ada", "ben", "cleo")):
        (tmp_path / name).mkdir()
        for walk in (1, 2, 3):
            (tmp_path / name / f"{walk}.zip").write_bytes(walk_zip(person, walk=walk))
    script = "docs/examples/confusion_table.py"
    printed = ran([sys.executable, script, str(tmp_path), "--url", service.url], service)
    head, *rows = printed.splitlines()
    assert head.split()[:4] == ["was", "ada", "ben", "cleo"]
    assert [row.split()[0] for row in rows[:3]] == ["ada", "ben", "cleo"]
    # Whoever is named at all is named rightly; others may be unknown at 1 % among three people.
    for place, row in enumerate(rows[:3], start=1):
        others = [cell for column, cell in enumerate(row.split()[1:4], start=1) if column != place]
        assert others == ["·", "·"], printed
    assert rows[-1].endswith("of 3 walks were given the right name.")
    listed = ran([sys.executable, "-m", "app.cli", "galleries", "list", "--json"], service)
    assert "confusion-" not in listed

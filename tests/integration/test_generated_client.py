"""A client that a public generator makes of /openapi.json talks to a real service."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.registry.keys import NewKey
from app.settings import Settings
from tests.live_service import LiveService, live_service
from tests.programs import none_is_left_out

_REPOSITORY = Path(__file__).parents[2]
_PAGE = (_REPOSITORY / "docs" / "generated-client.md").read_text(encoding="utf-8")
_URL = "http://127.0.0.1:8000"
_PATIENCE_SECONDS = 240


@pytest.fixture(scope="module")
def generator() -> Path:
    """The folder with the generator's programs, installed once per version as the page says."""
    (requirement,) = re.findall(r"^pip install (\S+)$", _PAGE, re.MULTILINE)
    home = _REPOSITORY / ".make" / str(requirement)
    if not (home / "installed").exists():
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(home)])
        installed = _run([str(home / "bin" / "pip"), "install", "--quiet", requirement])
        if installed.returncode != 0:
            reason = f"pip could not install {requirement}: {installed.stderr[-500:]}"
            if none_is_left_out():
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        (home / "installed").touch()
    return home / "bin"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LiveService]:
    """A service with nobody in it."""
    with live_service(Settings(data=tmp_path / "data", port=0)) as running:
        yield running


@pytest.mark.timeout(600)
def test_a_generated_client_does_what_the_page_says(
    tmp_path: Path, generator: Path, service: LiveService
) -> None:
    _, secret = service.registry.keys.create(NewKey("generated client", ("admin",)))
    assert secret is not None
    (generate,) = re.findall(r"^openapi-python-client .*$", _PAGE, re.MULTILINE)
    words = generate.replace(_URL, service.url).replace("docs/", f"{_REPOSITORY}/docs/").split()
    generated = _run([str(generator / words[0]), *words[1:]], tmp_path)
    assert generated.returncode == 0, generated.stdout + generated.stderr
    assert "warning" not in generated.stdout.lower()

    (program,) = re.findall(r"^```python\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)
    program = program.replace(_URL, service.url).replace("wp_...", secret)
    for shown in ("app/samples/street.mp4", "README.md"):
        program = program.replace(shown, str(_REPOSITORY / shown))
    ran = _run([str(generator / "python"), "-c", program], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "enrolled passer-by 1",
        "match passer-by 1",
        repr(b"\x89PNG\r\n\x1a\n"),
        "True /problems/media-not-readable",
        "erased 1",
    ]


def _run(words: list[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(  # noqa: S603 - our own words
        words,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_SECONDS,
    )

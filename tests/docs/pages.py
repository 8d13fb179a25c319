"""The documentation built as `make docs` builds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def build(target: Path, repository: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """Builds all pages; a warning ends with 1.

    Args:
        target: folder for the pages.
        repository: whose docs/.
    """
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)]
    return subprocess.run(  # noqa: S603 - our own words
        [*command, "--config-file", str(repository / "docs" / "site" / "mkdocs.yml")],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

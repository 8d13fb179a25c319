"""A test whose program is missing is left out aloud, or fails where nothing may be left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import path_of

_ROOT = Path(__file__).parents[1]
_SUITE = """
import pytest

@pytest.mark.needs("nginx")
def test_of_a_server(): pass

def test_of_nothing_else(): pass
"""
# Nobody, on every Debian: whoever is not root.
_NOBODY = 65534


def _run(folder: Path, *, ci: bool, as_root: bool) -> str:
    """Runs a test that needs nginx where PATH and the server folders lead to no nginx."""
    folder.chmod(0o755)
    (folder / "test_suite.py").write_text(_SUITE)
    (folder / "conftest.py").write_text(
        "from tests import programs\n"
        "programs._PATH = '/nowhere'\n"
        f"programs.os.geteuid = lambda: {0 if as_root else _NOBODY}\n"
        + "from tests.conftest import pytest_runtest_setup\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    environment.pop("CI", None)
    if ci:
        environment["CI"] = "true"
    return subprocess.run(  # noqa: S603 - our own words
        [
            sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider",
            "-c", str(_ROOT / "pyproject.toml"), "--rootdir", str(folder), str(folder),
        ],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    ).stdout  # fmt: skip


def test_a_program_that_is_missing_leaves_its_tests_out_with_the_reason(tmp_path: Path) -> None:
    said = _run(tmp_path, ci=False, as_root=False)
    assert "1 passed, 1 skipped" in said, said
    assert "nginx is not installed (Debian package nginx-light)" in said


@pytest.mark.parametrize("ci", [True, False])
def test_root_and_ci_leave_no_test_out(tmp_path: Path, ci: bool) -> None:
    said = _run(tmp_path, ci=ci, as_root=not ci)
    assert "1 passed, 1 error" in said, said
    assert "nginx is not installed (Debian package nginx-light)" in said


def test_a_program_that_nobody_packages_is_an_error_of_the_test() -> None:
    with pytest.raises(KeyError, match="names no package for frobnicate"):
        path_of("frobnicate")

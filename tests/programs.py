"""Programs that some tests need, the Debian packages they come in: `python -m tests.programs`.

A test that needs one says so: `@pytest.mark.needs("rabbitmq-server")`. Root, whom `make test` has
install them, and a machine that sets `CI` leave no test out: there a missing program is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Program -> the Debian package it comes in. All are permissive or used as programs, not linked.
PACKAGES = {
    "chromium": "chromium",
    "nginx": "nginx-light",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "rabbitmq-server": "rabbitmq-server",
}
# Servers lie where only root's PATH leads.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
_POLICY = Path("/usr/sbin/policy-rc.d")
_PATIENCE_SECONDS = 900


def path_of(program: str) -> str | None:
    """Where a program lies; None where it is not installed.

    Raises:
        KeyError: no package is named for it in `PACKAGES`.
    """
    if program not in PACKAGES:
        raise KeyError(f"tests/programs.py names no package for {program}")
    return shutil.which(program, path=_PATH)


def missing() -> list[str]:
    """Programs that are not installed, by name."""
    return [program for program in sorted(PACKAGES) if path_of(program) is None]


def none_is_left_out() -> bool:
    """Whether a missing program is a failure here rather than a reason to leave tests out."""
    return os.geteuid() == 0 or bool(os.environ.get("CI"))


@contextmanager
def _services_stay_down() -> Iterator[None]:
    """Keeps packages from starting the servers they bring: tests start their own."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def _install(packages: list[str]) -> bool:
    """Installs Debian packages; False where that fails, with what apt said on the way."""
    apt = ["apt-get", "--quiet=2", "--option=DPkg::Lock::Timeout=300"]
    install = [*apt, "install", "--yes", "--no-install-recommends", *packages]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _services_stay_down():
        for command in ([*apt, "update"], install):
            # What apt prints about the packages belongs to nobody who waits for tests.
            ran = subprocess.run(  # noqa: S603 - our own words
                command,
                env=environment,
                check=False,
                capture_output=True,
                text=True,
                timeout=_PATIENCE_SECONDS,
            )
            if ran.returncode != 0:
                sys.stderr.write(ran.stdout + ran.stderr)
                return False
    return True


def main() -> None:
    """Installs what is missing as root on Debian; says to others what will be left out."""
    absent = missing()
    if not absent:
        return
    packages = sorted({PACKAGES[program] for program in absent})
    if os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stdout.write(f"Installing what tests need: {', '.join(packages)}.\n")
        sys.stdout.flush()
        if _install(packages):
            return
        sys.stdout.write("They could not be installed; the tests that need them will fail.\n")
        return
    fate = "will fail" if none_is_left_out() else "are left out and say so"
    sys.stdout.write(
        f"Not installed: {', '.join(absent)}. Tests that need them {fate}; on Debian"
        f" `apt-get install {' '.join(packages)}` has them run.\n"
    )


if __name__ == "__main__":
    main()

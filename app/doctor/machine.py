"""The machine and what is installed on it."""

from __future__ import annotations

import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.resources import as_file, files

from app.doctor.finding import Finding, broken, doubtful, fine
from app.settings import Settings

# The day of the release: a clock that is behind it is wrong.
_RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
_FILES_PER_CONNECTION, _OTHER_FILES = 2, 256
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^; ]+)$")
_PATIENCE_SECONDS = 120


def interpreter() -> Finding:
    """Python and the system under it."""
    says = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    if not (3, 11) <= sys.version_info < (3, 13):
        return broken("python", says, "Install Walkprint with Python 3.11 or 3.12.")
    if platform.system() != "Linux":
        advice = (
            "Uploads are decoded in a sandbox of Linux: run Walkprint there, or in a container."
        )
        return broken("python", says, advice)
    return fine("python", says)


def packages() -> Iterator[Finding]:
    """Whether what is installed is what Walkprint was tested with."""
    wrong = False
    pins = [pin for line in requires("walkprint") or () if (pin := _PIN.match(line))]
    for name, wanted in (pin.groups() for pin in pins):
        try:
            there = version(name)
        except PackageNotFoundError:
            wrong = True
            advice = "Install Walkprint again: pip install -c docker/constraints.txt -e ."
            yield broken("packages", f"{name} is not installed.", advice)
            continue
        if there.split("+")[0] != wanted:
            wrong = True
            says = f"{name} {there} is installed; Walkprint was tested with {wanted}."
            yield doubtful("packages", says, f"pip install {name}=={wanted}")
    if not wrong:
        yield fine("packages", f"{len(pins)} packages, in the versions that were tested")


def sandbox() -> Iterator[Finding]:
    """Whether uploads are decoded where they can harm nobody: with a real clip."""
    locked = subprocess.run(
        [
            sys.executable,
            "-c",
            "from model.capture.lockdown import filter_system_calls as lock; print(lock())",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_SECONDS,
    )
    if locked.stdout.strip() != "True":
        advice = (
            "Uploads are still decoded in a process of their own, under limits. For the lock, run"
            " on x86-64 or ARM64, and let a container's profile allow seccomp"
            " (docs/capture-sandbox.md)."
        )
        yield doubtful("sandbox", "System calls cannot be locked here.", advice)
    # Imported late: OpenCV costs a part of a second, and may be what is broken.
    from model.capture import CaptureLimits
    from model.capture.frames import open_frames
    from model.refusals import WalkRefused
    from model.silhouettes import SilhouetteSequence

    try:
        with (
            as_file(files("app") / "samples" / "street.mp4") as clip,
            open_frames([clip], CaptureLimits()) as stream,
        ):
            size = "" if isinstance(stream, SilhouetteSequence) else f", {stream.width} wide,"
    except (WalkRefused, OSError) as failed:
        advice = "Look at the log above; OpenCV may lack a library, or /dev/shm be closed."
        yield broken("sandbox", f"The sample clip cannot be decoded: {failed}", advice)
        return
    how = "locked in" if locked.stdout.strip() == "True" else "without a lock"
    yield fine("sandbox", f"the sample clip{size} was decoded, {how}")


def open_files(settings: Settings) -> Finding:
    """Whether the system lets the process open as many files as it has connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_PER_CONNECTION * settings.max_connections + _OTHER_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        room = max(16, (hard - _OTHER_FILES) // _FILES_PER_CONNECTION)
        says = f"The system allows {hard} open files: room for {room} connections."
        advice = f"ulimit -Hn {wanted} (systemd: LimitNOFILE), or a lower WALKPRINT_MAX_CONNECTIONS"
        return doubtful("open files", says, advice)
    return fine("open files", f"room for {settings.max_connections} connections")


def clock(now: datetime | None = None) -> Finding:
    """Whether the clock can be right: leases, expiry and the audit log rest on it.

    Args:
        now: None for the present.
    """
    present = now or datetime.now(UTC)
    says = f"{present:%Y-%m-%d %H:%M:%S} UTC"
    if present < _RELEASED:
        return broken(
            "clock", f"{says} is before this release was made.", "Set it, and keep NTP on."
        )
    return fine("clock", says)

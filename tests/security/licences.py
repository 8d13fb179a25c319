"""Under which licences everything runs that Walkprint needs to run: `make licences`.

    python -m tests.security.licences            checks, prints what is wrong, ends with 1 then
    python -m tests.security.licences --write    writes docs/licences.md as well

Looked at are the packages that a running service needs, with what they need in turn; tools for
tests are no part of what is given away. What a package's metadata says is read by `pip-licenses`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

REPORT = Path(__file__).parents[2] / "docs" / "licences.md"

# As SPDX calls them, or as the older classifiers of PyPI do.
PERMISSIVE = frozenset(
    {
        *("MIT", "MIT License", "MIT-0", "MIT-CMU", "0BSD", "ISC", "ISC License (ISCL)", "Zlib"),
        *("BSD", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "3-Clause BSD License"),
        *("Apache-2.0", "Apache Software License", "Apache-2.0 WITH LLVM-exception", "BSL-1.0"),
        *("PSF-2.0", "Python Software Foundation License", "CC0-1.0", "Unlicense"),
    }
)

EXCEPTIONS = {
    "psycopg": (
        "LGPL-3.0-only",
        "used unchanged as a library, and only with a PostgreSQL database; a user can replace it",
    ),
    "psycopg-binary": (
        "LGPL-3.0-only",
        "the compiled part of psycopg; the same holds",
    ),
    "certifi": (
        "Mozilla Public License 2.0 (MPL 2.0)",
        "a list of certificates, given on unchanged; MPL binds only its own files",
    ),
}
"""Copyleft that is known and accepted: the licence as it is now, and the reason."""

BUNDLED = {
    "opencv-python-headless": (
        "FFmpeg 8 under LGPL-2.1-or-later (its own statement, built without --enable-gpl), as"
        " shared libraries beside OpenCV that can be replaced; libaom, libvpx, libavif, libpng"
        " (BSD-like), OpenSSL 1.1 (OpenSSL licence), OpenBLAS (BSD-3-Clause)"
    ),
    "numpy, scipy, faiss-cpu": (
        "OpenBLAS (BSD-3-Clause) and GCC's runtime libraries libgfortran, libquadmath, libgomp"
        " (GPL-3.0-or-later WITH GCC-exception-3.1, LGPL for libquadmath: programs that only link"
        " to them are not bound)"
    ),
    "psycopg-binary": "libpq (PostgreSQL licence), OpenSSL 3 (Apache-2.0), MIT Kerberos, OpenLDAP",
}
"""Libraries inside wheels, of which metadata says nothing; read from the wheels themselves."""


@dataclass(frozen=True, slots=True)
class Licensed:
    """A package and what its metadata says of its licence."""

    name: str
    licence: str


def runtime_packages(root: str = "walkprint") -> frozenset[str]:
    """Names of what a package needs to run, of what that needs, and so on, without itself."""
    found: set[str] = set()
    waiting: list[tuple[str, frozenset[str]]] = [(root, frozenset())]
    while waiting:
        name, extras = waiting.pop()
        try:
            requires = distribution(name).requires or ()
        except PackageNotFoundError:
            continue  # for another system or Python
        for text in requires:
            wanted = Requirement(text)
            environments = [{"extra": extra} for extra in ("", *extras)]
            if wanted.marker and not any(map(wanted.marker.evaluate, environments)):
                continue
            key = normal_name(wanted.name)
            if key not in found:
                found.add(key)
                waiting.append((wanted.name, frozenset(wanted.extras)))
    return frozenset(found) - {root}


def installed(packages: Iterable[str]) -> tuple[Licensed, ...]:
    """What is installed of these packages, by name, as `pip-licenses` reads it."""
    tool = Path(sys.executable).with_name("pip-licenses")
    command = [str(tool), "--format=json", "--with-system", "--from=mixed"]
    said = subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - our own command
    wanted = set(packages)
    rows = [Licensed(normal_name(row["Name"]), row["License"]) for row in json.loads(said.stdout)]
    return tuple(sorted((row for row in rows if row.name in wanted), key=lambda row: row.name))


def refused(packages: Sequence[Licensed]) -> list[str]:
    """A sentence about each package that may not be among what runs."""
    wrong = []
    for package in packages:
        accepted = EXCEPTIONS.get(package.name)
        if accepted is not None and accepted[0] == package.licence:
            continue
        if not is_permissive(package.licence):
            wrong.append(f"{package.name} is under {package.licence!r}, which is not permissive.")
    return wrong


def is_permissive(licence: str) -> bool:
    """Whether every part of a licence is permissive, or one of those to choose from."""
    return all(
        any(choice in PERMISSIVE for choice in _without_brackets(part).split(" OR "))
        for part in re.split(r" AND |; ", licence)
    )


def report(packages: Sequence[Licensed]) -> str:
    """The page about it, in Markdown."""
    lines = [
        "# Licences of what runs",
        "",
        "Walkprint is Apache-2.0. These are the packages that a running service needs, with what",
        "they need in turn, as their metadata says. Written by `python -m tests.security.licences",
        "--write`; `make licences` fails when one of them comes under a licence that is neither",
        "permissive nor accepted below, or when this page is out of date.",
        "",
        "| package | licence |",
        "| --- | --- |",
        *(f"| {package.name} | {package.licence} |" for package in packages),
        "",
        "## Accepted though not permissive",
        "",
        *(f"- **{name}** ({licence}): {reason}." for name, (licence, reason) in EXCEPTIONS.items()),
        "",
        "## Inside wheels",
        "",
        "Wheels carry libraries of which metadata says nothing:",
        "",
        *(f"- **{name}**: {what}." for name, what in BUNDLED.items()),
        "",
    ]
    return "\n".join(lines)


def missing_in(page: str, packages: Sequence[Licensed]) -> list[str]:
    """Packages that a page does not list as they are."""
    return [each.name for each in packages if f"| {each.name} | {each.licence} |" not in page]


def normal_name(name: str) -> str:
    """As PyPI compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _without_brackets(part: str) -> str:
    return part[1:-1] if part.startswith("(") and part.endswith(")") else part


def main() -> None:
    """Checks, and writes the page when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    packages = installed(runtime_packages())
    wrong = refused(packages)
    if asked.write:
        REPORT.write_text(report(packages))
    wrong += [f"docs/licences.md lacks {n}." for n in missing_in(REPORT.read_text(), packages)]
    for sentence in wrong:
        sys.stderr.write(f"{sentence}\n")
    sys.stdout.write(f"licences: {len(packages)} packages looked at, {len(wrong)} refused\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

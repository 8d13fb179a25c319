"""What runs is permissive or accepted by name, and an audit never pretends to have asked."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.security.advisories import locked_names, read
from tests.security.licences import (
    REPORT,
    Licensed,
    installed,
    is_permissive,
    missing_in,
    refused,
    runtime_packages,
)


def test_everything_that_runs_is_permissive_or_accepted_by_name() -> None:
    packages = installed(runtime_packages())

    assert {"fastapi", "torch", "psycopg-binary", "starlette", "certifi"} <= {
        package.name for package in packages
    }
    assert refused(packages) == []
    assert missing_in(REPORT.read_text(), packages) == []


@pytest.mark.parametrize(
    "licence",
    [
        "GPL-3.0-or-later",
        "GNU Affero General Public License v3",
        "LGPL-3.0-only",
        "MIT AND GPL-2.0-only",
        "MIT License; GNU General Public License v2 (GPLv2)",
        "UNKNOWN",
        "Proprietary",
        "",
    ],
)
def test_copyleft_and_unknown_licences_are_refused(licence: str) -> None:
    assert refused([Licensed("newcomer", licence)])


@pytest.mark.parametrize(
    "licence", ["GPL-2.0-only OR MIT", "Apache-2.0 AND (BSD-2-Clause OR GPL-2.0)"]
)
def test_one_permissive_licence_of_several_to_choose_from_is_enough(licence: str) -> None:
    assert is_permissive(licence)


def test_an_accepted_package_that_changes_its_licence_is_looked_at_again() -> None:
    assert refused([Licensed("psycopg", "LGPL-3.0-only")]) == []
    assert refused([Licensed("psycopg", "GPL-3.0-only")])


def test_tools_for_tests_are_no_part_of_what_runs() -> None:
    assert not runtime_packages() & {"pytest", "hypothesis", "schemathesis", "pip-audit"}


def _answer(*packages: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


_SKIPPED = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}
_SOUND = {"name": "httpx", "version": "0.28.1", "vulns": []}
_HURT = {
    "name": "urllib3",
    "version": "1.0",
    "vulns": [{"id": "CVE-2023-43804", "fix_versions": ["1.26.17"], "aliases": []}],
}


def test_a_known_vulnerability_fails_the_audit_and_is_named() -> None:
    audit = read(_answer(_SOUND, _HURT, _SKIPPED))

    assert audit.exit_code == 1
    assert "urllib3 1.0: CVE-2023-43804, mended in 1.26.17" in audit.sentence()


def test_an_audit_that_could_ask_nobody_says_so() -> None:
    audit = read(_answer(_SKIPPED, _SKIPPED))

    assert audit.exit_code == 0
    assert audit.sentence().startswith("NOT AUDITED")
    assert "No vulnerability" not in audit.sentence()


def test_an_audit_of_some_names_the_others() -> None:
    audit = read(_answer(_SOUND, _SKIPPED))

    assert audit.sentence() == "No vulnerability is known of 1 packages. NOT AUDITED: torch."


def test_every_locked_version_is_asked_about() -> None:
    assert {"fastapi", "torch", "uvicorn"} <= set(locked_names())
    assert all(name and " " not in name for name in locked_names())

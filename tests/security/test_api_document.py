"""The service is what its OpenAPI document says, for whatever a document allows or forbids.

`make test-api MINUTES=20` looks for longer.
"""

from __future__ import annotations

from pathlib import Path

from tests.security.schemathesis_run import run


def test_every_operation_answers_as_documented_and_never_with_5xx(tmp_path: Path) -> None:
    outcome = run(tmp_path, examples=8, seed=20_261_126)

    assert outcome.passed, outcome.report
    assert outcome.log == ""

"""Receipts of erasures, from the service to `walkprint verify-receipt`, which needs no service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.registry.signing import open_signer
from app.settings import Settings
from tests.app.command import Run, runner
from tests.enrolling import enroll, unit_vector
from tests.live_service import LiveService, live_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    with live_service(Settings(data=tmp_path_factory.mktemp("data"), device="cpu")) as running:
        yield running


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


@pytest.fixture(scope="module")
def receipt(service: LiveService) -> dict[str, Any]:
    """Of a subject with two walks."""
    enroll(service.registry, "ludmila", [unit_vector(1), unit_vector(2)])
    answer = service.http.delete("/subjects/ludmila")
    assert answer.status_code == 200
    return dict(answer.json()["receipt"])


@pytest.fixture
def public_key(service: LiveService, tmp_path: Path) -> Path:
    file = tmp_path / "walkprint.pem"
    file.write_bytes(service.http.get("/audit/key").content)
    return file


def written(receipt: object, folder: Path) -> Path:
    file = folder / "receipt.json"
    file.write_text(json.dumps(receipt))
    return file


def test_a_receipt_is_checked_with_the_public_key_alone(
    run: Run, receipt: dict[str, Any], public_key: Path, tmp_path: Path
) -> None:
    said = run("verify-receipt", written(receipt, tmp_path), "--key", public_key)
    assert said.code == 0
    for word in ("Genuine", "ludmila in gallery default", "walks", "2", "within 600 s"):
        assert word in " ".join(said.out.split())
    # An answer of the service as it came will do, too.
    whole = written({"walks": 2, "receipt": receipt}, tmp_path)
    assert run("verify-receipt", whole, "--key", public_key).code == 0


def test_a_receipt_counts_what_went_and_names_its_entry_of_the_audit_log(
    service: LiveService, receipt: dict[str, Any]
) -> None:
    said = receipt["statement"]
    counts = {"subjects": 1, "walks": 2, "templates": 2, "jobs": 2, "uploads": 0}
    assert said["counts"] == {**counts, "jobs": said["counts"]["jobs"]}
    (entry,) = (
        each
        for each in service.http.get("/audit?action=subject.erased").json()["entries"]
        if each["seq"] == said["audit"]["seq"]
    )
    assert entry["hash"] == said["audit"]["hash"]
    assert "ludmila" not in json.dumps(entry)


def test_walks_and_galleries_have_receipts_too(service: LiveService) -> None:
    walks = enroll(service.registry, "bo", [unit_vector(1), unit_vector(2)], gallery="lab").walks
    one = service.http.delete(f"/walks/{walks[0]}").json()["receipt"]["statement"]
    assert (one["walk"], one["subject"], one["counts"]["walks"]) == (walks[0], "bo", 1)
    answer = service.http.delete("/galleries/lab?force=true").json()["receipt"]["statement"]
    assert (answer["subject"], answer["gallery"]) == (None, "lab")
    assert (answer["counts"]["subjects"], answer["counts"]["walks"]) == (1, 1)


def _other_subject(receipt: dict[str, Any]) -> None:
    receipt["statement"]["subject"] = "eve"


def _other_count(receipt: dict[str, Any]) -> None:
    receipt["statement"]["counts"]["walks"] = 20


def _more_done(receipt: dict[str, Any]) -> None:
    receipt["statement"]["follows"] = []


def _other_signature(receipt: dict[str, Any]) -> None:
    receipt["signature"] = "00" * 64


def _no_statement(receipt: dict[str, Any]) -> None:
    del receipt["statement"]


@pytest.mark.parametrize(
    "forge", [_other_subject, _other_count, _more_done, _other_signature, _no_statement]
)
def test_a_changed_receipt_is_refused(
    run: Run, receipt: dict[str, Any], public_key: Path, tmp_path: Path, forge: Any
) -> None:
    forged = json.loads(json.dumps(receipt))
    forge(forged)
    said = run("verify-receipt", written(forged, tmp_path), "--key", public_key)
    assert said.code == 1
    assert "Genuine" not in said.out


def test_a_receipt_of_another_service_is_refused(
    run: Run, receipt: dict[str, Any], tmp_path: Path
) -> None:
    key = tmp_path / "other.pem"
    key.write_text(open_signer(tmp_path / "other.key").public.pem)
    said = run("verify-receipt", written(receipt, tmp_path), "--key", key)
    assert (said.code, "was signed by the key" in " ".join(said.err.split())) == (1, True)


def test_without_a_key_nothing_is_vouched_for(
    run: Run, receipt: dict[str, Any], service: LiveService, tmp_path: Path
) -> None:
    """In the data folder the service's own key will do."""
    file = written(receipt, tmp_path)
    assert run("verify-receipt", file, "--data", tmp_path / "elsewhere").code == 1
    assert run("verify-receipt", file, "--data", service.settings.data).code == 0


def test_no_json_is_no_receipt(run: Run, public_key: Path, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    for content in ("", "[" * 100_000, "{}", "null"):
        file.write_text(content)
        assert run("verify-receipt", file, "--key", public_key).code == 1

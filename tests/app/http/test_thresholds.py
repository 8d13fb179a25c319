"""A gallery's thresholds are measured, used, shown and taken back over HTTP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.client import Client
from app.http.recognition_schemas import Identified, Verified
from app.http.threshold_schemas import GalleryWithThresholds, ThresholdsRow
from tests.app.command import runner
from tests.app.http.test_refusals import assert_refused
from tests.enrolling import enroll
from tests.live_service import LiveService
from tests.walks import walk_zip


def enroll_crowd(service: LiveService, gallery: str, people: int) -> None:
    """People of two walks each, as the encoder might have embedded them."""
    serving = service.registry.checkpoints.serving()
    assert serving is not None
    rng = np.random.default_rng(1)
    for number in range(people):
        own_d = rng.standard_normal(256)
        walks = [own_d + 0.5 * rng.standard_normal(256) for _ in range(2)]
        enroll(
            service.registry,
            f"s{number}",
            [(walk / np.linalg.norm(walk)).astype(np.float32) for walk in walks],
            gallery=gallery,
            checkpoint_id=serving.active,
        )


def calibrate(service: LiveService, gallery: str) -> ThresholdsRow:
    response = service.http.post(f"/galleries/{gallery}/calibrate")
    assert response.status_code == 200, response.text
    return ThresholdsRow.model_validate(response.json())


def shown(service: LiveService, gallery: str) -> list[ThresholdsRow]:
    answer = service.http.get(f"/galleries/{gallery}").json()
    return GalleryWithThresholds.model_validate(answer).thresholds


def identify(service: LiveService, gallery: str) -> Identified:
    response = service.http.post(
        "/identify", data={"gallery": gallery}, files={"walk": ("walk.zip", walk_zip(1))}
    )
    assert response.status_code == 200, response.text
    return Identified.model_validate(response.json())


def test_a_calibrated_gallery_shows_its_thresholds_and_decides_by_them(
    service: LiveService, gallery: str
) -> None:
    enroll_crowd(service, gallery, 30)
    before = identify(service, gallery)
    measured = calibrate(service, gallery)
    after = identify(service, gallery)
    claim = service.http.post(
        "/verify",
        data={"gallery": gallery, "subject": "s0"},
        files={"walk": ("walk.zip", walk_zip(1))},
    )

    assert (measured.subjects, measured.comparisons) == (30, 60 * 29)
    assert [row.target_fpir for row in measured.targets] == [0.1, 0.01, 0.001]
    for row in measured.targets:
        assert row.lowest <= row.threshold <= row.highest
        assert row.false_non_match_rate is not None
        assert row.false_non_match_rate.subjects == 30
    assert shown(service, gallery) == [measured]
    assert before.threshold_source.kind == "checkpoint"
    source = after.threshold_source
    assert (source.kind, source.subjects) == ("gallery", 30)
    assert source.measured_at == measured.measured_at
    assert source.lowest is not None
    assert source.highest is not None
    assert source.lowest <= after.threshold <= source.highest
    assert Verified.model_validate(claim.json()).threshold_source.kind == "gallery"

    taken_back = service.http.delete(f"/galleries/{gallery}/calibration")
    assert taken_back.json()["thresholds"] == []
    assert identify(service, gallery).threshold == pytest.approx(before.threshold)


def test_a_gallery_that_has_doubled_says_that_its_thresholds_are_out_of_date(
    service: LiveService, gallery: str
) -> None:
    enroll_crowd(service, gallery, 12)
    calibrate(service, gallery)
    enroll_crowd(service, gallery, 25)

    (row,) = shown(service, gallery)
    source = identify(service, gallery).threshold_source

    assert row.out_of_date
    assert (source.kind, source.out_of_date) == ("checkpoint", True)
    assert not calibrate(service, gallery).out_of_date


def test_the_command_line_prints_thresholds_with_intervals_and_takes_them_back(
    service: LiveService,
    gallery: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WALKPRINT_URL", service.url)
    run = runner(capsys)
    walk = tmp_path / "walk.zip"
    walk.write_bytes(walk_zip(1))
    enroll_crowd(service, gallery, 15)
    printed = run("galleries", "calibrate", gallery).out
    with Client(service.url) as client:
        (measured,) = client.gallery_thresholds(gallery)
        for row in measured.targets:
            assert f"{100 * row.target_fpir:g} %" in printed
            assert f"{row.lowest:.3f} to {row.highest:.3f}" in printed
        answer = run("identify", walk, "-g", gallery).out
        assert "15 people of this gallery" in answer
        assert run("galleries", "calibrate", gallery, "--forget").code == 0
        assert client.gallery_thresholds(gallery) == []


@pytest.mark.parametrize("people", [0, 9])
def test_a_gallery_of_a_few_is_told_how_many_are_needed(
    service: LiveService, gallery: str, people: int
) -> None:
    service.registry.galleries.create(gallery)
    enroll_crowd(service, gallery, people)
    response = service.http.post(f"/galleries/{gallery}/calibrate")
    assert_refused(response, 409, "gallery-too-small")
    assert (response.json()["subjects"], response.json()["needed"]) == (people, 10)


def test_there_is_nothing_to_calibrate_in_a_gallery_nobody_made(service: LiveService) -> None:
    for method, route in (("POST", "calibrate"), ("DELETE", "calibration")):
        response = service.http.request(method, f"/galleries/nowhere/{route}")
        assert_refused(response, 404, "unknown-gallery")

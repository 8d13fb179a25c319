"""Poor recordings: not enrolled, and identified with a warning."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from app.http.recognition_schemas import Identified
from app.settings import Settings
from model.judgement_score import POOR_BELOW
from tests.app.http.test_refusals import assert_refused, zip_of_masks
from tests.live_service import LiveService, live_service
from tests.walks import walk_masks, walk_zip

ADA = 1


@cache
def poor_walk() -> bytes:
    """Far away, short, and swollen until the legs are one."""
    swelling_hw = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    swollen = [cv2.dilate(mask_hw, swelling_hw) for mask_hw in walk_masks(ADA)[:28]]
    small = [cv2.resize(m, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for m in swollen]
    return zip_of_masks([np.where(mask_hw > 127, 255, 0).astype(np.uint8) for mask_hw in small])


def test_a_poor_walk_is_not_enrolled_and_the_answer_says_what_to_do_better(
    service: LiveService, gallery: str
) -> None:
    form = {"subject": "ada", "gallery": gallery}

    response = service.http.post("/enroll", data=form, files={"walk": poor_walk()})

    document = assert_refused(response, 422, "walk-quality-too-low")
    findings = document["findings"]
    assert isinstance(findings, list)
    assert {"too-small", "legs-hidden"} <= set(findings)
    assert float(str(document["score"])) < float(str(document["least"])) == POOR_BELOW
    assert "pixels tall" in str(document["detail"])
    assert "Move the camera closer" in str(document["advice"])
    assert gallery not in [each.name for each in service.registry.galleries.list()]


def test_a_poor_walk_beside_a_good_one_refuses_the_call_as_a_whole(
    service: LiveService, gallery: str
) -> None:
    files = [("walk", walk_zip(ADA)), ("walk", poor_walk())]

    response = service.http.post(
        "/enroll", data={"subject": "ada", "gallery": gallery}, files=files
    )

    assert_refused(response, 422, "walk-quality-too-low")
    assert gallery not in [each.name for each in service.registry.galleries.list()]


def test_a_poor_walk_is_identified_and_called_poor(service: LiveService, gallery: str) -> None:
    form = {"subject": "ada", "gallery": gallery}
    service.http.post("/enroll", data=form, files={"walk": walk_zip(ADA)}).raise_for_status()

    response = service.http.post(
        "/identify", data={"gallery": gallery}, files={"walk": poor_walk()}
    )

    quality = Identified.model_validate(response.json()).quality
    assert quality["level"] == "poor"
    assert all({"code", "sentence", "advice"} == set(each) for each in quality["findings"])


def test_the_floor_of_enrolment_can_be_set(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, device="cpu", enroll_min_quality=0.0)
    with live_service(settings) as lenient:
        response = lenient.http.post(
            "/enroll", data={"subject": "ada"}, files={"walk": poor_walk()}
        )

    assert response.status_code == 201
    assert response.json()["walks"][0]["quality"]["level"] == "poor"

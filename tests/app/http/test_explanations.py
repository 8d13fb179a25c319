"""What an identification rests on, for those who ask for it."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.http.explanation_schemas import Explanation
from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService
from tests.walks import walk_masks, walk_video, walk_zip

ADA, BOB, STRANGER = 1, 2, 3


def _identified(service: LiveService, gallery: str, media: bytes, **fields: str) -> dict[str, Any]:
    for subject, person in (("ada", ADA), ("bob", BOB)):
        data = {"subject": subject, "gallery": gallery}
        enrolled = service.http.post("/enroll", data=data, files={"walk": walk_zip(person)})
        assert enrolled.status_code == 201
    answer = service.http.post(
        "/identify", data={"gallery": gallery, **fields}, files={"walk": media}
    )
    assert answer.status_code == 200, answer.text
    identified: dict[str, Any] = answer.json()
    return identified


def _explained(service: LiveService, answer: dict[str, Any]) -> Explanation:
    return Explanation.model_validate_json(service.http.get(answer["explanation"]).content)


def _picture(base64: str) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(b64decode(base64), np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.asarray(picture, dtype=np.uint8)


def test_nothing_is_explained_unless_asked_for(service: LiveService, gallery: str) -> None:
    answer = _identified(service, gallery, walk_zip(ADA, walk=2))

    assert answer["explanation"] is None
    assert_refused(service.http.get(f"/jobs/{answer['job']}/explanation"), 404, "unknown-job")


def test_the_masks_are_those_of_the_walk(service: LiveService, gallery: str) -> None:
    answer = _identified(service, gallery, walk_zip(ADA, walk=2), explain="true")
    explained = _explained(service, answer)
    masks_thw = walk_masks(ADA, walk=2)
    drawn_thw = np.zeros_like(masks_thw)
    for mask in explained.masks:
        mask_hw = _picture(mask.png)
        rows, columns = mask_hw.shape
        drawn_thw[mask.frame, mask.top : mask.top + rows, mask.left : mask.left + columns] = mask_hw

    assert (explained.frame_height, explained.frame_width) == masks_thw.shape[1:]
    assert np.array_equal(drawn_thw, masks_thw)


def test_the_strip_and_the_curves_show_one_gait(service: LiveService, gallery: str) -> None:
    answer = _identified(service, gallery, walk_video(ADA, walk=2), explain="true")
    explained = _explained(service, answer)
    period = explained.period_frames
    strip_hw = _picture(explained.strip)
    around = explained.correlation[round(period) - 3 : round(period) + 4]

    assert period == pytest.approx(answer["quality"]["period_frames"], abs=0.01)
    assert strip_hw.shape == (64, 44 * explained.strip_silhouettes)
    assert set(np.unique(strip_hw)) == {0, 255}
    assert explained.correlation[0] == pytest.approx(1.0)
    assert max(around) == max(explained.correlation[round(0.6 * period) :])
    # The legs open and close twice in a cycle.
    spreads = np.array([each.spread for each in explained.legs])
    assert spreads.max() > 2 * spreads.min()
    assert explained.frames_per_second == pytest.approx(25.0)


def test_the_threshold_is_where_strangers_become_as_few_as_wanted(
    service: LiveService, gallery: str
) -> None:
    media = walk_zip(STRANGER)
    answer = _identified(service, gallery, media, explain="true", target_fpir="0.1")
    points = _explained(service, answer).strangers
    shares = [point.share for point in points]
    scores = [point.score for point in points]
    (at_target,) = [point.score for point in points if point.share == pytest.approx(0.1)]

    assert shares == sorted(shares, reverse=True)
    assert scores == sorted(scores)
    assert at_target == pytest.approx(answer["threshold"], abs=1e-6)


def test_in_an_empty_gallery_there_is_no_score_to_explain(
    service: LiveService, gallery: str
) -> None:
    created = service.http.post("/galleries", json={"name": gallery})
    answer = service.http.post(
        "/identify",
        data={"gallery": gallery, "explain": "true"},
        files={"walk": walk_zip(ADA)},
    )

    assert (created.status_code, answer.status_code) == (201, 200)
    assert _explained(service, answer.json()).strangers == []


def test_each_walker_is_explained(service: LiveService, gallery: str) -> None:
    answer = _identified(service, gallery, walk_zip(BOB, walk=2), walker="all", explain="true")
    (walker,) = answer["walkers"]

    assert _explained(service, walker).masks
    assert_refused(
        service.http.get(f"/jobs/{answer['job']}/explanation?walker=2"), 404, "unknown-job"
    )


def test_a_field_that_is_neither_true_nor_false_is_refused(service: LiveService) -> None:
    answer = service.http.post(
        "/identify", data={"explain": "maybe"}, files={"walk": walk_zip(ADA)}
    )

    assert assert_refused(answer, 422, "invalid-field")["field"] == "explain"

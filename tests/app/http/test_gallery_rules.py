"""What a gallery keeps: rules over HTTP, and the limit of walks at enrolment."""

from __future__ import annotations

import pytest

from tests.app.http.test_recognition import enroll
from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService
from tests.walks import walk_zip

ADA, BOB = 1, 2
RULES = ("walks_per_subject", "keep_walks_days", "keep_subjects_days")


def test_rules_are_set_shown_and_lifted_one_by_one(service: LiveService, gallery: str) -> None:
    made = service.http.post("/galleries", json={"name": gallery}).json()
    route = f"/galleries/{gallery}"

    service.http.patch(route, json={"walks_per_subject": 3, "keep_walks_days": 365})
    service.http.patch(route, json={"keep_walks_days": None, "keep_subjects_days": 30})
    shown = service.http.get(route).json()

    assert [made[rule] for rule in RULES] == [None, None, None]
    assert [shown[rule] for rule in RULES] == [3, None, 30]
    (listed,) = (
        row for row in service.http.get("/galleries").json()["galleries"] if row["name"] == gallery
    )
    assert [listed[rule] for rule in RULES] == [3, None, 30]


@pytest.mark.parametrize(
    "body",
    [
        {"walks_per_subject": 0},
        {"walks_per_subject": "3"},
        {"keep_walks_days": True},
        {"keep_subjects_days": 36_501},
        {"name": None},
        {"revision": 7},
    ],
)
def test_a_rule_that_cannot_be_is_refused(
    service: LiveService, gallery: str, body: dict[str, object]
) -> None:
    service.http.post("/galleries", json={"name": gallery})

    response = service.http.patch(f"/galleries/{gallery}", json=body)

    assert assert_refused(response, 422, "invalid-field")["field"] == next(iter(body))


def test_an_enrolment_says_what_it_replaced_and_what_had_no_room(
    service: LiveService, gallery: str
) -> None:
    service.http.post("/galleries", json={"name": gallery})
    service.http.patch(f"/galleries/{gallery}", json={"walks_per_subject": 1})

    both = enroll(service, gallery, "ada", walk_zip(ADA), walk_zip(BOB))
    again = enroll(service, gallery, "ada", walk_zip(ADA))

    assert (len(both.walks), len(both.left_out), both.replaced) == (1, 1, [])
    assert both.left_out[0].problem == "walk-limit"
    assert both.left_out[0].recording in (1, 2)
    stored = service.http.get("/subjects/ada/walks", params={"gallery": gallery}).json()["walks"]
    kept = [walk["id"] for walk in stored]
    assert len(kept) == 1
    if again.walks:
        assert (kept, again.replaced) == ([again.walks[0].id], [both.walks[0].id])
    else:
        assert (kept, again.replaced) == ([both.walks[0].id], [])

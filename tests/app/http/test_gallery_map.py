"""A gallery's map over HTTP."""

from __future__ import annotations

from app.http.routes.gallery_map import MapAnswer
from tests.app.http.test_recognition import enroll
from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService
from tests.walks import walk_zip


def test_walks_of_one_person_lie_closer_than_those_of_two(
    service: LiveService, gallery: str
) -> None:
    for person in (1, 2, 3):
        enroll(service, gallery, f"p{person}", walk_zip(person), walk_zip(person, walk=2))
    answer = MapAnswer.model_validate(service.http.get(f"/galleries/{gallery}/map").json())
    assert answer.templates == len(answer.points) == 6
    assert 0.0 < answer.share_y <= answer.share_x < 1.0
    places = {point.walk: complex(point.x, point.y) for point in answer.points}
    whose = {point.walk: point.subject for point in answer.points}
    for walk, place in places.items():
        nearest = min((w for w in places if w != walk), key=lambda w: abs(places[w] - place))
        assert whose[nearest] == whose[walk]


def test_a_map_has_as_many_points_as_were_asked_for(service: LiveService, gallery: str) -> None:
    enroll(service, gallery, "ada", walk_zip(1), walk_zip(1, walk=2))
    one = service.http.get(f"/galleries/{gallery}/map", params={"most": 1}).json()
    assert (one["templates"], len(one["points"])) == (2, 1)
    for most in (0, 2001):
        refused = service.http.get(f"/galleries/{gallery}/map", params={"most": most})
        assert_refused(refused, 422, "invalid-field")


def test_a_gallery_that_is_not_there_has_no_map(service: LiveService, gallery: str) -> None:
    assert_refused(service.http.get(f"/galleries/{gallery}/map"), 404, "unknown-gallery")

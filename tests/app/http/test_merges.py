"""Merging, undoing and moving, over HTTP."""

from __future__ import annotations

import pytest

from app.http.subject_schemas import MergeRow, SubjectRow
from tests.app.http.test_recognition import enroll, identify
from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService
from tests.walks import walk_zip

ADA, BOB = 1, 2


def test_a_merge_is_made_seen_and_undone(service: LiveService, gallery: str) -> None:
    first = enroll(service, gallery, "ada", walk_zip(ADA))
    second = enroll(service, gallery, "visitor-17", walk_zip(BOB))
    query = {"gallery": gallery}

    made = service.http.post("/subjects/visitor-17/merge", params=query, json={"into": " ada "})
    merge = MergeRow.model_validate(made.json())
    listed = service.http.get("/subjects/ada/merges", params=query).json()["merges"]
    seen = service.http.get(made.headers["location"]).json()
    named = identify(service, gallery, walk_zip(BOB)).candidates[0]
    undone = service.http.post(f"/merges/{merge.id}/undo")
    again = service.http.post(f"/merges/{merge.id}/undo")

    assert made.status_code == 201
    assert (merge.subject, merge.absorbed) == ("ada", "visitor-17")
    assert merge.walks == [second.walks[0].id]
    assert (merge.undo_until - merge.created_at).days == 7
    assert listed == [made.json()] == [seen]
    assert (named.subject, named.walk) == ("ada", second.walks[0].id)
    assert SubjectRow.model_validate(undone.json()).subject == "visitor-17"
    assert_refused(again, 404, "unknown-merge")
    assert identify(service, gallery, walk_zip(BOB)).candidates[0].subject == "visitor-17"
    walks = service.http.get("/subjects/ada/walks", params=query).json()["walks"]
    assert [walk["id"] for walk in walks] == [first.walks[0].id]


def test_a_repeated_merge_under_one_key_gets_the_first_answer(
    service: LiveService, gallery: str
) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA))
    enroll(service, gallery, "eve", walk_zip(BOB))

    first, second, other = (
        service.http.post(
            "/subjects/eve/merge",
            params={"gallery": gallery},
            json={"into": into},
            headers={"Idempotency-Key": f"merge-{gallery}"},
        )
        for into in ("ada", "ada", "bob")
    )

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert_refused(other, 422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"into": "ada"}, 422, "invalid-field"),
        ({"into": "\x00"}, 422, "invalid-field"),
        ({"into": "nobody"}, 404, "unknown-subject"),
        ({"into": "bob", "gallery": "no-such-gallery"}, 404, "unknown-gallery"),
        ({}, 422, "invalid-field"),
        ({"into": "bob", "undo": False}, 422, "invalid-field"),
    ],
)
def test_what_cannot_be_merged_is_refused_and_left_alone(
    service: LiveService, gallery: str, body: dict[str, object], status: int, slug: str
) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA))

    response = service.http.post("/subjects/ada/merge", params={"gallery": gallery}, json=body)

    document = assert_refused(response, status, slug)
    if slug == "invalid-field" and "undo" not in body:
        assert document["field"] == "into"
    assert service.http.get("/subjects/ada", params={"gallery": gallery}).json()["walks"] == 1


def test_a_moved_subject_is_found_where_it_went(service: LiveService, gallery: str) -> None:
    there = f"{gallery}-2"
    enroll(service, gallery, "ada", walk_zip(ADA))
    enroll(service, gallery, "bob", walk_zip(BOB))
    service.http.post("/galleries", json={"name": there})

    moved, repeated = (
        service.http.post(
            "/subjects/ada/move",
            params={"gallery": gallery},
            json={"gallery": there},
            headers={"Idempotency-Key": f"move-{gallery}"},
        )
        for _ in range(2)
    )

    assert moved.json()["gallery"] == repeated.json()["gallery"] == there
    assert repeated.headers["idempotency-replayed"] == "true"
    assert identify(service, there, walk_zip(ADA)).candidates[0].subject == "ada"
    assert [row.subject for row in identify(service, gallery, walk_zip(ADA)).candidates] == ["bob"]


def test_a_move_to_a_taken_id_says_how_to_merge(service: LiveService, gallery: str) -> None:
    there = f"{gallery}-2"
    for name in (gallery, there):
        enroll(service, name, "ada", walk_zip(ADA))
    query = {"gallery": gallery}

    refused = service.http.post("/subjects/ada/move", params=query, json={"gallery": there})
    merged = service.http.post(
        "/subjects/ada/merge", params=query, json={"into": "ada", "gallery": there}
    )

    assert "/merge" in str(assert_refused(refused, 409, "subject-exists")["advice"])
    assert merged.json()["gallery"] == there
    assert service.http.get("/subjects/ada", params={"gallery": there}).json()["walks"] == 2

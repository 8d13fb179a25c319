"""Subjects, walks and galleries, over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.app.http.test_recognition import enroll, identify
from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService
from tests.walks import walk_zip

ADA, BOB = 1, 2


def test_subjects_are_listed_page_by_page(service: LiveService, gallery: str) -> None:
    for subject in ("cy", "ada", "bob"):
        enroll(service, gallery, subject, walk_zip(ADA))

    first = service.http.get("/subjects", params={"gallery": gallery, "limit": 2}).json()
    rest = service.http.get(
        "/subjects", params={"gallery": gallery, "limit": 2, "cursor": first["next"]}
    ).json()

    rows = first["subjects"] + rest["subjects"]
    assert {row["subject"] for row in rows} == {"ada", "bob", "cy"}
    assert [row["walks"] for row in rows] == [1, 1, 1]
    assert rest["next"] is None


def test_subjects_are_searched_by_id_and_name(service: LiveService, gallery: str) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA))
    enroll(service, gallery, "bob", walk_zip(BOB))

    page = service.http.get("/subjects", params={"gallery": gallery, "search": "AD"}).json()

    assert [row["subject"] for row in page["subjects"]] == ["ada"]


@pytest.mark.parametrize(
    "subject", ["a/b", "a/walks", "50%", "q?x=1#y", "späß 走", "a+b c", "%2F", "-", "'; DROP --"]
)
def test_a_subject_id_may_hold_any_character(
    service: LiveService, gallery: str, subject: str
) -> None:
    enrolled = enroll(service, gallery, subject, walk_zip(ADA))
    address = f"/subjects/{quote(subject, safe='')}"
    query = {"gallery": gallery}

    assert enrolled.subject == subject
    assert service.http.get(address, params=query).json()["subject"] == subject
    walks = service.http.get(f"{address}/walks", params=query).json()["walks"]
    assert [walk["subject"] for walk in walks] == [subject]
    assert service.http.delete(address, params=query).json()["walks"] == 1
    assert_refused(service.http.get(address, params=query), 404, "unknown-subject")


def test_the_location_of_an_enrolment_leads_to_the_subject(
    service: LiveService, gallery: str
) -> None:
    response = service.http.post(
        "/enroll", data={"subject": "a/b", "gallery": gallery}, files={"walk": walk_zip(ADA)}
    )

    found = service.http.get(response.headers["location"]).json()
    assert (found["subject"], found["gallery"]) == ("a/b", gallery)


def test_name_and_metadata_are_changed(service: LiveService, gallery: str) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA))
    query = {"gallery": gallery}

    changed = service.http.patch(
        "/subjects/ada", params=query, json={"metadata": {"team": "blue"}}
    ).json()
    cleared = service.http.patch("/subjects/ada", params=query, json={"name": None}).json()

    assert (changed["name"], changed["metadata"]) == ("Ada", {"team": "blue"})
    assert (cleared["name"], cleared["metadata"]) == (None, {"team": "blue"})


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b'{"name": 7}', 422, "invalid-field"),
        (b'{"metadata": [1]}', 422, "invalid-field"),
        (b'{"subject": "new-id"}', 422, "invalid-field"),
        (b"{oops", 400, "malformed-request"),
        (b"", 400, "malformed-request"),
        (b"[]", 400, "malformed-request"),
    ],
)
def test_changes_that_cannot_be_made_are_refused(
    service: LiveService, gallery: str, body: bytes, status: int, slug: str
) -> None:
    enroll(service, gallery, "ada", walk_zip(ADA))

    response = service.http.patch(
        "/subjects/ada",
        params={"gallery": gallery},
        content=body,
        headers={"Content-Type": "application/json"},
    )

    assert_refused(response, status, slug)


def test_an_id_in_two_galleries_needs_the_gallery(service: LiveService, gallery: str) -> None:
    subject = f"both-{gallery}"
    enroll(service, f"{gallery[:60]}-1", subject, walk_zip(ADA))
    enroll(service, f"{gallery[:60]}-2", subject, walk_zip(ADA))

    response = service.http.get(f"/subjects/{subject}")

    assert_refused(response, 409, "ambiguous-subject")


def test_an_erased_subject_is_never_found_again(service: LiveService, gallery: str) -> None:
    enrolled = enroll(service, gallery, "ada", walk_zip(ADA))
    enroll(service, gallery, "bob", walk_zip(BOB))
    named = identify(service, gallery, walk_zip(ADA))

    erased = service.http.delete("/subjects/ada", params={"gallery": gallery}).json()
    after = identify(service, gallery, walk_zip(ADA))

    assert (erased["subjects"], erased["walks"], erased["templates"]) == (1, 1, 1)
    assert [row.subject for row in after.candidates] == ["bob"]
    assert_refused(service.http.get(enrolled.walks[0].gei), 404, "unknown-walk")
    assert_refused(service.http.get(f"/jobs/{named.job}"), 404, "unknown-job")
    assert_refused(service.http.get(f"/jobs/{enrolled.job}"), 404, "unknown-job")


def test_an_erased_walk_is_not_compared_any_more(service: LiveService, gallery: str) -> None:
    enrolled = enroll(service, gallery, "ada", walk_zip(ADA), walk_zip(BOB))
    query = {"gallery": gallery}

    service.http.delete(f"/walks/{enrolled.walks[1].id}").raise_for_status()

    left = service.http.get("/subjects/ada/walks", params=query).json()["walks"]
    assert [walk["id"] for walk in left] == [enrolled.walks[0].id]
    assert service.http.get(f"/walks/{enrolled.walks[0].id}").json()["subject"] == "ada"
    assert_refused(service.http.get(f"/walks/{enrolled.walks[1].id}"), 404, "unknown-walk")
    best = identify(service, gallery, walk_zip(BOB)).candidates[0]
    assert best.walk == enrolled.walks[0].id


def test_galleries_are_made_renamed_and_removed(service: LiveService, gallery: str) -> None:
    made = service.http.post("/galleries", json={"name": gallery})
    twice = service.http.post("/galleries", json={"name": gallery})
    enroll(service, gallery, "ada", walk_zip(ADA))
    new_name = f"{gallery[:50]}-renamed"
    renamed = service.http.patch(f"/galleries/{gallery}", json={"name": new_name})
    refused = service.http.delete(f"/galleries/{new_name}")
    erased = service.http.delete(f"/galleries/{new_name}", params={"force": "true"})

    assert made.status_code == 201
    assert made.headers["location"] == f"/galleries/{gallery}"
    assert_refused(twice, 409, "gallery-exists")
    assert renamed.json()["subjects"] == 1
    assert_refused(refused, 409, "gallery-not-empty")
    assert erased.json()["subjects"] == 1
    names = [row["name"] for row in service.http.get("/galleries").json()["galleries"]]
    assert new_name not in names
    assert gallery not in names


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "many"}, {"cursor": "nonsense"}, {"gallery": "no spaces"}]
)
def test_a_listing_names_the_parameter_it_cannot_use(
    service: LiveService, query: dict[str, str]
) -> None:
    response = service.http.get("/subjects", params=query)

    assert assert_refused(response, 422, "invalid-field")["field"] == next(iter(query))

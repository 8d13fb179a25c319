"""Who is limited to a gallery: what lies elsewhere is answered as if it were not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

import pytest

from tests.enrolling import enroll, identify_job, unit_vector
from tests.security.roles import OURS, THEIRS, Roles


@dataclass(frozen=True)
class Elsewhere:
    """Ids of what lies in the other gallery."""

    subject: str
    walk: str
    job: str
    merge: str


@pytest.fixture(scope="module")
def elsewhere(roles: Roles) -> Iterator[Elsewhere]:
    """People in both galleries, a search and a merge in the other one."""
    registry = roles.service.registry
    for gallery, seed in ((OURS, 1), (THEIRS, 2)):
        enroll(registry, "both", [unit_vector(seed)], gallery=gallery)
    enroll(registry, "ann", [unit_vector(3)], gallery=OURS)
    walk = enroll(registry, "zoe", [unit_vector(4)], gallery=THEIRS).walks[0]
    enroll(registry, "zoe-again", [unit_vector(5)], gallery=THEIRS)
    merge, _ = registry.merges.merge(
        "zoe-again", "zoe", undo_within=timedelta(days=1), gallery=THEIRS
    )
    job = registry.jobs.add(identify_job(THEIRS)).job.id
    yield Elsewhere("zoe", walk, job, merge.id)
    for gallery in (OURS, THEIRS):
        registry.galleries.delete(gallery, force=True)


CALLS = (
    ("GET", "/subjects/{subject}"),
    ("PATCH", "/subjects/{subject}"),
    ("DELETE", "/subjects/{subject}"),
    ("GET", "/subjects/{subject}/walks"),
    ("GET", "/subjects/{subject}/merges"),
    ("POST", "/subjects/{subject}/move"),
    ("POST", "/subjects/{subject}/merge"),
    ("GET", "/walks/{walk}"),
    ("GET", "/walks/{walk}/gei.png"),
    ("DELETE", "/walks/{walk}"),
    ("GET", "/jobs/{job}"),
    ("DELETE", "/jobs/{job}"),
    ("GET", "/jobs/{job}/events"),
    ("GET", "/jobs/{job}/explanation"),
    ("GET", "/jobs/{job}/gei.png"),
    ("GET", "/merges/{merge}"),
    ("POST", "/merges/{merge}/undo"),
    ("GET", "/galleries/{gallery}"),
    ("PATCH", "/galleries/{gallery}"),
    ("DELETE", "/galleries/{gallery}"),
    ("GET", "/galleries/{gallery}/export"),
    ("POST", "/galleries/{gallery}/import"),
    ("POST", "/galleries/{gallery}/calibrate"),
    ("DELETE", "/galleries/{gallery}/calibration"),
)
_BODIES = {"move": {"gallery": OURS}, "merge": {"into": "ann"}}


def _answered(roles: Roles, method: str, path: str) -> tuple[int, dict[str, object]]:
    body = _BODIES.get(path.partition("?")[0].rpartition("/")[2])
    if body is None and method == "PATCH":
        body = {"name": "x"}
    answer = roles.call("admin of ours", method, path, json=body)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("method", "template"), CALLS)
def test_what_lies_elsewhere_is_answered_as_what_is_nowhere(
    roles: Roles, elsewhere: Elsewhere, method: str, template: str
) -> None:
    """The same problem with the same members; only the id that was asked for differs."""
    there = {**asdict(elsewhere), "gallery": THEIRS}
    nowhere = {name: f"no-{name}" for name in there}
    real = _answered(roles, method, template.format(**there))
    missing = _answered(roles, method, template.format(**nowhere))
    assert real[0] == missing[0] == 404
    assert _without(real[1], there) == _without(missing[1], nowhere)


def _without(document: dict[str, object], ids: dict[str, str]) -> str:
    text = str(document)
    for one in ids.values():
        text = text.replace(one, "ID")
    return text


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_gallery_in_the_query_is_bounded_too(
    roles: Roles, elsewhere: Elsewhere, method: str
) -> None:
    status, document = _answered(roles, method, f"/subjects/{elsewhere.subject}?gallery={THEIRS}")
    assert (status, document["type"]) == (404, _type(roles, "/galleries/nowhere"))


def test_an_id_in_two_galleries_means_the_one_that_is_seen(
    roles: Roles, elsewhere: Elsewhere
) -> None:
    assert roles.call("subjects:read", "GET", "/subjects/both").status_code == 409
    mine = roles.call("subjects:read of ours", "GET", "/subjects/both")
    assert mine.json()["gallery"] == OURS


def test_lists_show_what_is_seen(roles: Roles, elsewhere: Elsewhere) -> None:
    def listed(path: str) -> list[str]:
        (rows,) = (
            value
            for value in roles.call("subjects:read of ours", "GET", path).json().values()
            if isinstance(value, list)
        )
        return [row.get("subject", row.get("name")) for row in rows]

    assert listed("/subjects") == ["both", "ann"]
    assert listed("/subjects?search=zoe") == []
    assert listed("/galleries") == [OURS]
    answer = roles.call("subjects:read of ours", "GET", f"/subjects?gallery={THEIRS}")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/subjects/ann/move", {"gallery": THEIRS}),
        ("POST", "/subjects/ann/merge", {"into": "zoe", "gallery": THEIRS}),
        ("PATCH", f"/galleries/{OURS}", {"name": "elsewhere"}),
        ("POST", "/galleries", {"name": "elsewhere"}),
    ],
)
def test_nothing_is_taken_out_of_the_own_gallery(
    roles: Roles, elsewhere: Elsewhere, method: str, path: str, body: dict[str, str]
) -> None:
    answer = roles.call("admin of ours", method, path, json=body)
    assert answer.status_code == 404
    assert answer.json()["type"] == _type(roles, "/galleries/nowhere")


@pytest.mark.parametrize("call", ["enroll", "identify", "verify"])
def test_recognition_stays_in_the_own_gallery(
    roles: Roles, elsewhere: Elsewhere, call: str
) -> None:
    """Before a job is made of it; the upload is not kept."""
    answer = roles.call(
        "admin of ours",
        "POST",
        f"/{call}",
        data={"gallery": THEIRS, "subject": "zoe"},
        files={"walk": b"not even looked at"},
    )
    assert answer.status_code == 404
    assert roles.service.stored_uploads == []


def test_who_came_from_elsewhere_by_a_merge_is_not_named(
    roles: Roles, elsewhere: Elsewhere
) -> None:
    registry = roles.service.registry
    enroll(registry, "yan", [unit_vector(6)], gallery=THEIRS)
    merge, _ = registry.merges.merge(
        "yan", "ann", undo_within=timedelta(days=1), gallery=THEIRS, into_gallery=OURS
    )
    listed = roles.call("subjects:read", "GET", f"/subjects/ann/merges?gallery={OURS}").json()
    assert [each["id"] for each in listed["merges"]] == [merge.id]
    mine = roles.call("subjects:read of ours", "GET", "/subjects/ann/merges")
    assert (mine.status_code, mine.json()["merges"]) == (200, [])
    assert roles.call("admin of ours", "GET", f"/merges/{merge.id}").status_code == 404


def test_a_list_of_jobs_holds_what_the_caller_could_have_asked_for(
    roles: Roles, elsewhere: Elsewhere
) -> None:
    ours = roles.service.registry.jobs.add(identify_job(OURS)).job.id

    def listed(role: str) -> set[str]:
        rows = roles.call(role, "GET", "/jobs?limit=500").json()["jobs"]
        return {row["id"] for row in rows}

    assert {ours, elsewhere.job} <= listed("identify") & listed("admin")
    assert ours in listed("identify of ours")
    assert elsewhere.job not in listed("identify of ours") | listed("admin of ours")
    for role in ("enroll", "subjects:read", "none"):
        assert not {ours, elsewhere.job} & listed(role), role


def test_a_job_is_there_for_who_could_have_asked_for_it(roles: Roles, elsewhere: Elsewhere) -> None:
    path = f"/jobs/{elsewhere.job}"
    assert roles.call("identify", "GET", path).status_code == 200
    assert roles.call("admin", "GET", path).status_code == 200
    for role in ("enroll", "subjects:read", "none", "identify of ours"):
        assert roles.call(role, "GET", path).status_code == 404, role


def _type(roles: Roles, path: str) -> object:
    return roles.call("admin of ours", "GET", path).json()["type"]

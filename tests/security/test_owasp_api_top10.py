"""The OWASP API Security Top 10 of 2023, one class per entry, against the running service.

Who may call which route is `test_roles`, what lies in other galleries `test_boundaries`, slow and
malformed callers `test_hostile_callers`; here stand the telling cases of each entry, all in one
file so that a reviewer finds the ten in one place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from importlib.metadata import version
from typing import Any

import httpx
import pytest

from app.http.access import SESSION_COOKIE
from app.http.issuer_keys import IssuerKeys, IssuerUnreachable
from app.registry.keys import NewKey
from app.registry.scopes import Scope
from tests.app.http.issuer import running_issuer
from tests.enrolling import enroll, identify_job, unit_vector
from tests.security.answers import (
    Route,
    assert_reveals_nothing,
    assert_safe,
    every_route,
    listening,
)
from tests.security.roles import OURS, THEIRS, Roles
from tests.walks import walk_zip, zip_of

PAGES = {
    "/",
    "/docs",
    "/favicon.ico",
    "/console/{page}",
    "/console/samples/{name}",
    "/console/static/{name}",
    "/console/texts.json",
}
"""For people, and therefore not in /openapi.json."""
_HOSTILE_CHECKPOINT = (2**40).to_bytes(8, "little") + b"{}"


@pytest.fixture(scope="module", autouse=True)
def people(roles: Roles) -> Iterator[dict[str, str]]:
    """One person in each gallery; ids of what is known of the one in the other gallery."""
    registry = roles.service.registry
    enroll(registry, "ann", [unit_vector(1)], gallery=OURS, name="Ann")
    walk = enroll(registry, "zoe", [unit_vector(2)], gallery=THEIRS, name="Zoe").walks[0]
    job = registry.jobs.add(identify_job(THEIRS)).job.id
    yield {"walk": walk, "job": job}
    for gallery in (OURS, THEIRS):
        registry.galleries.delete(gallery, force=True)


def slug(answer: httpx.Response) -> str:
    """Which problem it is."""
    return str(answer.json()["type"]).rpartition("/")[2]


def made_key(roles: Roles, *scopes: Scope, **wishes: Any) -> str:
    """The text of a fresh key."""
    _, text = roles.service.registry.keys.create(NewKey("a test's", scopes, **wishes))
    assert text is not None
    return text


def with_key(roles: Roles, text: str, path: str = "/galleries") -> httpx.Response:
    """A call that shows exactly this credential."""
    return roles.service.http.get(path, headers={"Authorization": f"Bearer {text}"})


def raw_status(roles: Roles, role: str, method: str, path: str, *headers: tuple[str, str]) -> int:
    """Of a call whose path no client has tidied up, and whose body never comes."""
    address = roles.service.url.removeprefix("http://")
    with closing(HTTPConnection(address, timeout=20)) as connection:
        connection.putrequest(method, path)
        connection.putheader("Authorization", f"Bearer {roles.keys[role]}")
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status


class TestAPI1BrokenObjectLevelAuthorization:
    """An id that is right is not a right to what it names."""

    def test_a_walk_of_another_gallery_is_no_walk(
        self, roles: Roles, people: dict[str, str]
    ) -> None:
        guessed = roles.call("subjects:read of ours", "GET", f"/walks/{people['walk']}/gei.png")
        nowhere = roles.call("subjects:read of ours", "GET", "/walks/nowhere/gei.png")
        assert (guessed.status_code, slug(guessed)) == (nowhere.status_code, slug(nowhere))
        assert slug(guessed) == "unknown-walk"

    def test_a_job_of_another_gallery_is_no_job(self, roles: Roles, people: dict[str, str]) -> None:
        guessed = roles.call("identify of ours", "GET", f"/jobs/{people['job']}")
        assert slug(guessed) == "unknown-job"

    def test_a_subject_cannot_be_pulled_out_of_another_gallery(self, roles: Roles) -> None:
        for body in ({"into": "ann"}, {"into": "ann", "gallery": OURS}):
            answer = roles.call("admin of ours", "POST", "/subjects/zoe/merge", json=body)
            assert slug(answer) == "unknown-subject"
        answer = roles.call(
            "admin of ours", "POST", f"/subjects/zoe/move?gallery={THEIRS}", json={"gallery": OURS}
        )
        assert slug(answer) == "unknown-gallery"

    def test_an_answer_kept_under_an_idempotency_key_is_its_callers_alone(
        self, roles: Roles
    ) -> None:
        """Who guesses the key of another call makes a call of their own."""
        made = [
            roles.service.http.post(
                "/galleries",
                json={"name": name},
                headers={
                    "Authorization": f"Bearer {made_key(roles, 'admin')}",
                    "Idempotency-Key": "1",
                },
            )
            for name in ("kept-a", "kept-b")
        ]
        assert [answer.status_code for answer in made] == [201, 201]


class TestAPI2BrokenAuthentication:
    """Only a whole key that holds now is a key."""

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda text: text[:-1],
            lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
            lambda text: text.upper(),
            lambda text: text.swapcase(),
            lambda text: text + "=",
            lambda text: text + "\t" + text,
            lambda text: f"{text},{text}",
            lambda text: f"wp_aaaaaaaaaa{text[13:]}",
            lambda text: text[14:],
            lambda _text: "wp_",
            lambda _text: "null",
            lambda _text: "é".encode().decode("latin-1") * 30,
            lambda _text: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
            lambda _text: "x" * 8000,
        ],
        ids=range(14),
    )
    def test_what_is_almost_a_key_is_none(self, roles: Roles, spoil: Callable[[str], str]) -> None:
        wrong = spoil(roles.keys["admin"]).encode("latin-1")
        answer = roles.service.http.get(
            "/galleries", headers=[(b"Authorization", b"Bearer " + wrong)]
        )
        assert (answer.status_code, slug(answer)) == (401, "not-signed-in")
        assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_an_unknown_id_and_a_wrong_secret_are_told_apart_by_nobody(self, roles: Roles) -> None:
        known = roles.keys["admin"]
        wrong_secret, unknown_id = known[:-4] + "0000", f"wp_zzzzzzzzzz{known[13:]}"
        first, second = with_key(roles, wrong_secret), with_key(roles, unknown_id)
        assert first.json() == second.json()
        assert first.headers.keys() == second.headers.keys()

    def test_keys_end(self, roles: Roles) -> None:
        soon = datetime.now(UTC) + timedelta(milliseconds=300)
        text = made_key(roles, "subjects:read", expires_at=soon)
        assert with_key(roles, text).status_code == 200
        while datetime.now(UTC) <= soon:
            assert with_key(roles, text).status_code in (200, 401)
        assert with_key(roles, text).status_code == 401
        revoked = made_key(roles, "subjects:read")
        roles.service.registry.keys.revoke(revoked.split("_")[1])
        assert with_key(roles, revoked).status_code == 401

    def test_two_keys_in_one_call_are_not_tried_in_turn(self, roles: Roles) -> None:
        headers = [
            ("Authorization", "Bearer wrong"),
            ("Authorization", f"Bearer {roles.keys['admin']}"),
        ]
        assert roles.service.http.get("/galleries", headers=headers).status_code == 401

    def test_a_session_that_was_foisted_on_somebody_is_not_theirs(self, roles: Roles) -> None:
        """Signing in draws a new token, whatever cookie came along; no script reads it."""
        foisted = "a-token-that-an-attacker-knows"
        answer = roles.service.http.post(
            "/session",
            json={"key": roles.keys["subjects:read"]},
            headers={"Origin": roles.service.url, "Cookie": f"{SESSION_COOKIE}={foisted}"},
        )
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"]
        assert foisted not in cookie
        assert all(flag in cookie for flag in ("HttpOnly", "SameSite=strict", "Max-Age="))
        roles.service.http.cookies.clear()
        for token in (foisted, roles.keys["subjects:read"], ""):
            headers = {"Cookie": f"{SESSION_COOKIE}={token}"}
            assert roles.service.http.get("/galleries", headers=headers).status_code == 401


class TestAPI3BrokenObjectPropertyLevelAuthorization:
    """Nobody sets what is not theirs to set, or reads what no answer is for."""

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PATCH", "/subjects/ann", {"gallery": THEIRS}),
            ("PATCH", "/subjects/ann", {"subject": "root"}),
            ("PATCH", "/subjects/ann", {"name": "A", "created_at": "2000-01-01T00:00:00Z"}),
            ("PATCH", f"/galleries/{OURS}", {"revision": 0}),
            ("PATCH", f"/galleries/{OURS}", {"rotation": None}),
            ("POST", "/galleries", {"name": "n", "revision": 7}),
            ("POST", "/subjects/ann/move", {"gallery": OURS, "subject": "root"}),
            ("POST", "/subjects/ann/merge", {"into": "ann", "walks": []}),
            ("POST", "/keys", {"label": "l", "scopes": [], "id": "chosen"}),
            ("POST", "/keys", {"label": "l", "scopes": ["root"]}),
            ("POST", "/session", {"key": "k", "scopes": ["admin"]}),
        ],
    )
    def test_a_member_that_is_not_to_be_set_is_named_and_nothing_is_done(
        self, roles: Roles, method: str, path: str, body: dict[str, object]
    ) -> None:
        before = roles.call("admin", "GET", "/subjects/ann").json()
        if path == "/session":
            answer = roles.service.http.post(path, json=body)
        else:
            answer = roles.call("admin", method, path, json=body)
        assert (answer.status_code, slug(answer)) == (422, "invalid-field")
        assert roles.call("admin", "GET", "/subjects/ann").json() == before

    @pytest.mark.parametrize("field", ["id", "quality", "checkpoint", "actor", "created_at"])
    def test_a_form_field_that_is_not_to_be_set_is_refused(self, roles: Roles, field: str) -> None:
        answer = roles.call(
            "enroll", "POST", "/enroll", data={"subject": "s", field: "1"}, files={"walk": b"x"}
        )
        assert (answer.status_code, answer.json()["field"]) == (422, field)

    def test_no_answer_holds_a_vector_a_digest_or_a_place_in_storage(
        self, roles: Roles, people: dict[str, str]
    ) -> None:
        ids = people | {"subject": "zoe", "gallery": THEIRS}
        read = [route for route in every_route() if route.method == "GET"]
        for route in read:
            if route.template in ("/audit", "/galleries/{gallery}/export"):
                continue  # an administrator's: who acted; embeddings, on purpose
            answer = roles.call("admin", "GET", route.path(**ids))
            if answer.headers["content-type"] == "application/json":
                assert_reveals_nothing(answer.json())
            assert str(roles.service.settings.data) not in answer.text

    def test_who_may_only_enrol_is_not_told_whom_somebody_walks_like(self, roles: Roles) -> None:
        """Otherwise enrolling would be a way to identify."""
        for role, named in (("enroll", []), ("admin", ["first"])):
            for subject in ("first", f"second-of-{role}"):
                answer = roles.call(
                    role if subject != "first" else "admin",
                    "POST",
                    "/enroll",
                    data={"subject": subject, "gallery": f"alike-{role}"},
                    files={"walk": walk_zip(5)},
                )
                assert answer.status_code == 201, answer.text
            told = [row["subject"] for row in answer.json()["possible_duplicates"]]
            assert told == named


class TestAPI4UnrestrictedResourceConsumption:
    """Everything that costs has an end."""

    @pytest.mark.parametrize(
        "query",
        [
            "/subjects?limit=501",
            "/subjects?limit=99999999999999999999",
            f"/subjects?search={'x' * 129}",
            f"/subjects?cursor={'x' * 1025}",
            "/audit?limit=1000000",
            "/checkpoints/not-there/refusals?limit=501",
        ],
    )
    def test_a_page_has_a_largest_size(self, roles: Roles, query: str) -> None:
        assert roles.call("admin", "GET", query).status_code == 422

    @pytest.mark.parametrize(
        ("path", "fields", "files", "problem"),
        [
            ("/identify", {"top_k": "51"}, 1, "invalid-field"),
            ("/enroll", {"subject": "s"}, 33, "missing-walk"),
            ("/identify", {}, 5001, "too-many-parts"),
            ("/enroll", {"subject": "s", "metadata": "{" * 40_000}, 1, "invalid-field"),
        ],
    )
    def test_a_form_has_a_largest_size(
        self, roles: Roles, path: str, fields: dict[str, str], files: int, problem: str
    ) -> None:
        parts = [("walk", (f"{number}.mp4", b"x")) for number in range(files)]
        answer = roles.call("admin", "POST", path, data=fields, files=parts)
        assert slug(answer) == problem
        assert roles.service.stored_uploads == []

    @pytest.mark.parametrize(
        "body",
        ["[" * 60_000, '{"metadata":' + '{"a":' * 5000 + "1" + "}" * 5001, "x" * 70_000],
    )
    def test_json_has_an_end_and_a_depth(self, roles: Roles, body: str) -> None:
        answer = roles.call("admin", "PATCH", "/subjects/ann", content=body.encode())
        assert answer.status_code in (400, 413, 422)

    def test_an_upload_has_a_largest_size_that_is_known_before_it_comes(self, roles: Roles) -> None:
        """A byte too many announced is refused with none of them sent."""
        status = raw_status(
            roles,
            "identify",
            "POST",
            "/identify",
            ("Content-Type", "multipart/form-data; boundary=x"),
            ("Content-Length", str(roles.service.settings.max_upload_bytes + 1)),
        )
        assert status == 413

    def test_a_caller_has_so_many_calls(self, roles: Roles) -> None:
        text = made_key(roles, "subjects:read", requests_per_minute=3)
        answers = [with_key(roles, text) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) > 0


class TestAPI5BrokenFunctionLevelAuthorization:
    """What administers is not reached by another method, spelling or hint."""

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-HTTP-Method-Override": "DELETE"},
            {"X-Original-URL": "/keys"},
            {"X-Rewrite-URL": "/keys"},
            {"X-Forwarded-For": "127.0.0.1"},
            {"Forwarded": "for=127.0.0.1"},
            {"X-Forwarded-User": "admin"},
        ],
    )
    def test_no_header_makes_a_reader_more(self, roles: Roles, headers: dict[str, str]) -> None:
        shown = {"Authorization": f"Bearer {roles.keys['subjects:read']}", **headers}
        for path in ("/keys", "/audit"):
            assert roles.service.http.get(path, headers=shown).status_code == 403
        assert roles.service.http.get("/subjects/ann", headers=shown).json()["name"] == "Ann"

    @pytest.mark.parametrize(
        "path", ["/keys/", "//keys", "/KEYS", "/keys;a", "/./keys", "/%6beys", "/x/../keys"]
    )
    def test_no_spelling_of_a_path_goes_around_its_guard(self, roles: Roles, path: str) -> None:
        assert raw_status(roles, "subjects:read", "GET", path) in (400, 403, 404)

    def test_an_administrator_of_some_galleries_makes_no_keys(self, roles: Roles) -> None:
        """Or they would make one that sees all."""
        body = {"label": "mine", "scopes": ["admin"]}
        answer = roles.call("admin of ours", "POST", "/keys", json=body)
        assert (answer.status_code, slug(answer)) == (403, "not-allowed")


class TestAPI6UnrestrictedAccessToSensitiveBusinessFlows:
    """Identification is the flow that harms people when it is had in bulk."""

    def test_a_search_names_few_counts_towards_a_limit_and_is_written_down(
        self, roles: Roles
    ) -> None:
        text = made_key(roles, "identify", galleries=(OURS,), requests_per_minute=1)
        answers = [
            roles.service.http.post(
                "/identify",
                data={"gallery": OURS, "top_k": "1"},
                files={"walk": walk_zip(6)},
                headers={"Authorization": f"Bearer {text}"},
            )
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert len(answers[0].json()["candidates"]) <= 1
        name = f"key:{text.split('_')[1]}"
        (entry,) = roles.call("admin", "GET", f"/audit?action=search.made&actor={name}").json()[
            "entries"
        ]
        assert "ann" not in json.dumps(entry)

    def test_who_searches_is_not_thereby_shown_the_pictures_or_the_list(self, roles: Roles) -> None:
        for path in ("/subjects", "/subjects/ann", f"/galleries/{OURS}/export"):
            assert roles.call("identify", "GET", path).status_code == 403


class TestAPI7ServerSideRequestForgery:
    """The service fetches nothing that a caller names."""

    @pytest.mark.parametrize(
        "media",
        [
            "{url}",
            "#EXTM3U\n#EXTINF:10,\n{url}\n",
            "ffconcat version 1.0\nfile '{url}'\n",
            '<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>',
            '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "{url}">]><MPD>&b;</MPD>',
            "[playlist]\nFile1={url}\n",
        ],
        ids=["address", "m3u8", "ffconcat", "svg", "xml", "pls"],
    )
    def test_media_that_point_elsewhere_are_not_followed(self, roles: Roles, media: str) -> None:
        with listening() as listener:
            content = media.format(url=listener.url).encode()
            for upload in (content, zip_of({"000.png": content, "001.png": content})):
                answer = roles.call(
                    "identify",
                    "POST",
                    "/identify",
                    data={"gallery": OURS},
                    files={"walk": (listener.url, upload)},
                )
                assert answer.status_code == 422
            assert not listener.was_called()

    def test_names_and_headers_that_are_addresses_are_not_called(self, roles: Roles) -> None:
        with listening() as listener:
            url = listener.url
            roles.call("admin", "GET", "/subjects", params={"search": url, "cursor": url})
            roles.call("admin", "PATCH", "/subjects/ann", json={"metadata": {"picture": url}})
            roles.call("admin", "POST", f"/checkpoints/{url.replace('/', '%2F')}/activate")
            roles.call("admin", "POST", f"/galleries/{OURS}/import", content=url.encode())
            roles.call("admin", "POST", "/checkpoints", files={"checkpoint": (url, url.encode())})
            roles.service.http.get("/", headers={"Referer": url, "X-Forwarded-Host": url})
            assert not listener.was_called()


class TestAPI8SecurityMisconfiguration:
    """As it is started, it is safe."""

    @pytest.mark.parametrize("route", every_route(), ids=lambda route: str(route))
    def test_every_answer_tells_a_browser_to_be_careful_and_nobody_what_runs(
        self, roles: Roles, people: dict[str, str], route: Route
    ) -> None:
        for role in (None, "none", "admin of ours"):
            assert_safe(roles.call(role, route.method, route.path()))
        if route.method == "GET":
            ids = people | {
                "subject": "zoe",
                "gallery": THEIRS,
                "name": "console.css",
                "page": "subjects",
            }
            assert_safe(roles.call("admin", "GET", route.path(**ids)))

    @pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "PUT", "PROPFIND"])
    def test_other_methods_are_not_answered(self, roles: Roles, method: str) -> None:
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
        for path in ("/subjects", "/keys", "/"):
            answer = roles.service.http.request(method, path, headers=headers)
            assert answer.status_code in (400, 403, 405)
            assert not any(name.startswith("access-control-") for name in answer.headers)

    def test_nothing_is_there_for_debugging(self, roles: Roles) -> None:
        assert roles.service.app.debug is False
        for path in ("/debug", "/redoc", "/console/../settings.py", "/.env", "/.git/config"):
            answer = roles.call("admin", "GET", path)
            assert answer.status_code == 404
            assert_safe(answer)

    def test_no_address_with_a_zero_in_it_breaks_anything(self, roles: Roles) -> None:
        """PostgreSQL takes no text with U+0000; what it would say is nobody's business."""
        for path in ("/subjects?search=%00", "/audit?actor=%00", "/subjects/%00", "/walks/%00"):
            assert roles.call("admin", "GET", path).status_code in (404, 422)


class TestAPI9ImproperInventoryManagement:
    """There is one version, and it is all described."""

    def test_every_route_is_described_or_a_page(self, roles: Roles) -> None:
        document = roles.service.http.get("/openapi.json").json()
        described = {
            (method.upper(), path)
            for path, operations in document["paths"].items()
            for method in operations
        }
        answered = {(route.method, route.template) for route in every_route()}
        assert answered - described == {("GET", page) for page in PAGES}
        assert described <= answered

    def test_the_document_says_how_callers_are_known(self, roles: Roles) -> None:
        document = roles.service.http.get("/openapi.json").json()
        assert set(document["components"]["securitySchemes"]) == {"key", "session"}
        open_to_all = {
            path
            for path, operations in document["paths"].items()
            for operation in operations.values()
            if not operation.get("security")
        }
        assert open_to_all == {"/livez", "/readyz", "/session"}
        assert document["info"]["version"] == version("walkprint")

    @pytest.mark.parametrize("prefix", ["/v0", "/v1", "/api", "/api/v1", "/internal", "/admin"])
    def test_no_other_version_answers(self, roles: Roles, prefix: str) -> None:
        assert roles.call("admin", "GET", f"{prefix}/subjects").status_code == 404


class TestAPI10UnsafeConsumptionOfAPIs:
    """What comes from elsewhere is believed no more than what a caller sends."""

    def test_an_issuer_is_not_followed_to_another_place(self) -> None:
        with listening() as elsewhere, running_issuer() as issuer:
            issuer.jwks_url = elsewhere.url.replace("127.0.0.1", "2130706433")
            with pytest.raises(IssuerUnreachable):
                IssuerKeys(issuer.url).find("first")
            assert not elsewhere.was_called()

    @pytest.mark.parametrize(
        "document", [b"[]", b"x", b'{"keys": 1}', b'{"a":' * 5000, b" " * 10**6]
    )
    def test_keys_that_are_none_are_not_used(self, document: bytes) -> None:
        with running_issuer() as issuer:
            issuer.document = document
            with pytest.raises(IssuerUnreachable):
                IssuerKeys(issuer.url).find("first")

    def test_a_checkpoint_that_lies_changes_nothing(self, roles: Roles) -> None:
        before = roles.call("admin", "GET", "/checkpoints").json()
        answer = roles.call(
            "admin", "POST", "/checkpoints", files={"checkpoint": ("x", _HOSTILE_CHECKPOINT)}
        )
        assert (answer.status_code, slug(answer)) == (422, "checkpoint-not-usable")
        assert roles.call("admin", "GET", "/checkpoints").json() == before

    def test_a_gallery_file_is_read_line_by_line_and_believed_in_nothing(
        self, roles: Roles
    ) -> None:
        for content in (b"\0" * 1000, b'{"kind": "header"}\n', b"{" * 100_000):
            answer = roles.call(
                "admin",
                "POST",
                "/galleries/from-outside/import",
                content=content,
            )
            assert answer.status_code in (415, 422)
        assert roles.call("admin", "GET", "/galleries/from-outside").status_code == 404

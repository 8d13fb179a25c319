"""`/keys` and `/session`, and what a service without keys says of itself."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from app.errors import InvalidField
from app.http.access import SESSION_COOKIE
from app.main import NotOnLoopback, serve
from app.settings import Settings
from tests.live_service import LiveService, live_service


@pytest.fixture
def fresh(tmp_path: Path) -> Settings:
    """Of a service that nobody has made a key for."""
    return Settings(data=tmp_path, device="cpu")


def bearer(text: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {text}"}


def test_a_service_is_open_until_the_first_key_and_never_again(fresh: Settings) -> None:
    with live_service(fresh) as service:
        assert service.http.get("/readyz").json()["access"] == "open"
        who = service.http.get("/session").json()
        assert (who["access"], who["name"], who["session"]) == ("open", "open", False)
        made = service.http.post("/keys", json={"label": "anna", "scopes": ["admin"]})
        assert made.status_code == 201
        key = made.json()
        assert service.http.get("/subjects").status_code == 401
        assert service.http.get("/readyz").json()["access"] == "keys"
        assert service.http.get("/subjects", headers=bearer(key["key"])).status_code == 200
        revoked = service.http.delete(f"/keys/{key['id']}", headers=bearer(key["key"]))
        assert revoked.json()["revoked_at"] is not None
        assert service.http.get("/subjects", headers=bearer(key["key"])).status_code == 401
        assert service.http.get("/subjects").status_code == 401


def test_the_secret_is_shown_once(fresh: Settings) -> None:
    with live_service(fresh) as service:
        body = {"label": "door", "scopes": ["admin"], "requests_per_minute": 7}
        headers = {"Idempotency-Key": "make-it-once"}
        made = service.http.post("/keys", json=body, headers=headers).json()
        listed = service.http.get("/keys", headers=bearer(made["key"]))
        assert made["key"] not in listed.text
        (row,) = listed.json()["keys"]
        assert (row["id"], row["requests_per_minute"]) == (made["id"], 7)


@pytest.mark.parametrize("header", ["Basic {key}", "{key}", "Bearer", "Token {key}"])
def test_a_key_is_shown_as_bearer_and_in_no_other_way(
    service_with_key: tuple[LiveService, str], header: str
) -> None:
    service, key = service_with_key
    answer = service.http.get("/subjects", headers={"Authorization": header.format(key=key)})
    assert answer.status_code == 401
    for path in (f"/subjects?key={key}", f"/subjects?access_token={key}"):
        assert service.http.get(path).status_code == 401


@pytest.fixture(scope="module")
def service_with_key(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A service and an administrator's key, which it was given at its start."""
    key = "wp_" + "b" * 10 + "_" + "x" * 43
    settings = Settings(
        data=tmp_path_factory.mktemp("keys"),
        device="cpu",
        bootstrap_key=key,
        failures_per_minute=0,
    )
    with live_service(settings) as service:
        yield service, key


def page_of(service: LiveService) -> httpx.Client:
    """A browser on the service's own page."""
    return httpx.Client(base_url=service.url, headers={"Origin": service.url})


def test_a_browser_signs_in_and_out(service_with_key: tuple[LiveService, str]) -> None:
    """By a cookie that no script reads and no other site sends."""
    service, key = service_with_key
    with page_of(service) as browser:
        answer = browser.post("/session", json={"key": key})
        assert answer.status_code == 200
        who = answer.json()
        assert (who["label"], who["session"], who["scopes"]) == ("bootstrap", True, ["admin"])
        cookie = answer.headers["set-cookie"]
        assert key not in cookie
        for flag in ("HttpOnly", "SameSite=strict", "Path=/"):
            assert flag in cookie
        assert browser.get("/session").json() == who
        assert browser.post("/galleries", json={"name": "of-a-browser"}).status_code == 201
        token = browser.cookies[SESSION_COOKIE]
        assert browser.delete("/session").status_code == 204
        assert browser.get("/session").status_code == 401
        browser.cookies.set(SESSION_COOKIE, token)
        assert browser.get("/session").status_code == 401


def test_a_cookie_alone_changes_nothing(service_with_key: tuple[LiveService, str]) -> None:
    """A page of another site cannot have a browser act; what names no origin may be one."""
    service, key = service_with_key
    with page_of(service) as browser:
        browser.post("/session", json={"key": key})
        body = {"name": "of-another-site"}
        browser.headers.pop("Origin")
        assert browser.get("/galleries").status_code == 200
        assert browser.post("/galleries", json=body).status_code == 403
        foreign = {"Origin": "https://evil.example"}
        assert browser.post("/galleries", json=body, headers=foreign).status_code == 403
        assert browser.delete("/session").status_code == 403
        # With the key itself no browser is in play.
        assert browser.post("/galleries", json=body, headers=bearer(key)).status_code == 201


def test_a_wrong_key_signs_nobody_in(service_with_key: tuple[LiveService, str]) -> None:
    service, key = service_with_key
    with page_of(service) as browser:
        for wrong in (key[:-1], "nonsense"):
            answer = browser.post("/session", json={"key": wrong})
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers
            assert wrong not in answer.text


def test_a_whole_key_in_the_path_is_not_repeated(
    service_with_key: tuple[LiveService, str],
) -> None:
    service, key = service_with_key
    answer = service.http.delete(f"/keys/{key}", headers=bearer(key))
    assert answer.status_code == 404
    assert key not in answer.text


def test_guesses_from_one_address_are_slowed_and_right_keys_pass(tmp_path: Path) -> None:
    key = "wp_" + "c" * 10 + "_" + "y" * 43
    settings = Settings(data=tmp_path, device="cpu", bootstrap_key=key, failures_per_minute=3)
    with live_service(settings) as service:
        statuses = [
            service.http.get("/subjects", headers=bearer(f"{key[:-1]}{n}")).status_code
            for n in range(5)
        ]
        assert statuses == [401, 401, 401, 429, 429]
        assert service.http.get("/subjects", headers=bearer(key)).status_code == 200


def test_no_service_with_a_bootstrap_key_that_anybody_could_guess(tmp_path: Path) -> None:
    with pytest.raises(InvalidField, match="43 characters"):
        serve(Settings(data=tmp_path, bootstrap_key="changeme"))


def test_no_service_without_keys_where_others_can_reach_it(tmp_path: Path) -> None:
    with pytest.raises(NotOnLoopback, match="keys create"):
        serve(Settings(data=tmp_path, host="0.0.0.0"))  # noqa: S104 - refused


def test_on_loopback_other_names_are_refused_unless_they_were_set(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, device="cpu", allowed_hosts="gait.example, other.example")
    with live_service(settings) as service:
        for host, status in (("gait.example", 200), ("evil.example", 421), ("localhost", 200)):
            assert service.http.get("/livez", headers={"Host": host}).status_code == status

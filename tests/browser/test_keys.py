"""Keys: made, shown once, used, revoked."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, expect

from app.settings import Settings
from tests.browser.visitor import Visitor
from tests.live_service import live_service

pytestmark = pytest.mark.needs("chromium")


def _who(url: str, key: str) -> httpx.Response:
    return httpx.get(f"{url}/session", headers={"Authorization": f"Bearer {key}"})


def test_a_key_is_shown_once_lets_in_and_is_revoked(admin: Visitor) -> None:
    page, url = admin.page, admin.service.live.url
    admin.goes_to("/console/keys")
    page.get_by_label("Whose, or what for").fill("front <i>door</i>")
    page.get_by_label("identify searches").check()
    page.get_by_label("Only these galleries").fill("hall, lab")
    page.get_by_label("Calls a minute").fill("120")
    page.get_by_label("Until the end of").fill("2099-12-31")
    page.get_by_role("button", name="Make the key").click()
    key = page.get_by_role("dialog").get_by_role("textbox").input_value()
    admin.looks_around("keys-made")
    who = _who(url, key).json()
    assert (who["scopes"], who["galleries"]) == (["identify"], ["hall", "lab"])

    page.keyboard.press("Escape")
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert key not in page.content()
    made = page.get_by_role("listitem").filter(has_text="front <i>door</i>")
    expect(made).to_contain_text("120 calls a minute")
    expect(made).to_contain_text("holds until 31 Dec 2099")

    made.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(made).to_contain_text("revoked")
    expect(made.get_by_role("button")).to_have_count(0)
    assert _who(url, key).status_code == 401


def test_a_wish_that_cannot_be_granted_is_said_in_words(admin: Visitor) -> None:
    admin.goes_to("/console/keys")
    admin.page.get_by_label("Whose, or what for").fill("too late")
    admin.page.get_by_label("Until the end of").fill("2001-01-01")
    admin.page.get_by_role("button", name="Make the key").click()
    expect(admin.page.get_by_role("alert").first).to_contain_text("expires_at")


def test_the_first_key_closes_an_open_service_and_is_not_lost(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(data=tmp_path_factory.mktemp("open"), device="cpu", runtime="onnxruntime")
    with live_service(settings, becomes_ready=False) as service, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{service.url}/console/keys")
        expect(page.get_by_text("This service has no key yet")).to_be_visible()
        page.get_by_label("Whose, or what for").fill("me")
        page.get_by_label("admin everything").check()
        page.get_by_role("button", name="Make the key").click()
        key = page.get_by_role("dialog").get_by_role("textbox").input_value()
        page.get_by_role("button", name="I have it").click()
        page.get_by_label("Your key").fill(key)
        page.keyboard.press("Enter")
        expect(page.get_by_role("listitem").filter(has_text="me")).to_be_visible()

"""The map of a gallery: seen, pointed at, walked with the keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

pytestmark = pytest.mark.needs("chromium")


def test_a_point_shows_whose_walk_it_is(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/console/map")
    expect(page.locator(".point")).to_have_count(6)
    page.get_by_role("img", name="Ada Lovelace (ada), walking to the left").last.hover()
    expect(page.locator("#shown").get_by_role("img")).to_be_visible()
    expect(page.locator("#shown")).to_contain_text("2 walks of this person here")
    expect(page.locator(".point.same")).to_have_count(2)
    admin.looks_around("map-chosen")
    page.locator("#shown a").click()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_arrow_keys_lead_from_walk_to_walk(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/console/map")
    page.locator(".point[tabindex='0']").focus()
    expect(page.locator("#shown")).to_contain_text("ada")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#shown")).to_contain_text("Bob (bob)")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#shown")).to_contain_text("ada")
    page.get_by_label("Find").fill("cleo")
    expect(page.locator(".point.faint")).to_have_count(4)


def test_a_gallery_without_anybody_is_said_in_words(admin: Visitor) -> None:
    admin.goes_to("/console/map?gallery=nobody-here")
    expect(admin.page.get_by_text("Nobody is enrolled in this gallery yet.")).to_be_visible()
    admin.photographs("map-empty")


def test_a_picture_that_nobody_rested_on_is_not_asked_for(admin: Visitor) -> None:
    """Each picture that is shown is noted in the audit log as seen."""
    asked: list[str] = []
    admin.page.on("request", lambda request: asked.append(request.url))
    admin.goes_to("/console/map")
    assert not [url for url in asked if url.endswith("gei.png")]

"""Subjects: found, looked at, renamed, merged, moved, erased with a receipt."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from app.registry.receipts import Receipt
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.needs("chromium")


def test_a_person_is_found_and_their_walks_are_shown_by_view(admin: Visitor) -> None:
    admin.goes_to("/console/subjects")
    admin.page.get_by_label("Search").fill("lovel")
    expect(admin.page.get_by_role("row")).to_have_count(2)
    admin.page.get_by_role("link", name="ada").click()
    expect(admin.page.get_by_role("heading", name="Ada Lovelace")).to_be_focused()
    pictures = admin.page.get_by_role("img", name="Gait energy image")
    expect(pictures).to_have_count(2)
    expect(admin.page.get_by_role("heading", name="Walking to the left")).to_be_visible()
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()  # they are loaded when they come into view
        expect(picture).to_have_js_property("naturalWidth", 44)
    admin.looks_around("subject")
    admin.page.go_back()
    expect(admin.page.get_by_label("Search")).to_be_visible()


def test_a_long_list_is_shown_page_by_page(admin: Visitor) -> None:
    """The page asks for fifty at a time; here the service is asked for two in its place."""
    admin.page.route(
        "**/subjects?*", lambda route: route.continue_(url=route.request.url.replace("=50", "=2"))
    )
    admin.goes_to("/console/subjects")
    expect(admin.page.locator("#count")).to_have_text("2+")
    admin.page.get_by_role("button", name="Show more").click()
    expect(admin.page.locator("#count")).to_have_text("3")
    expect(admin.page.get_by_role("button", name="Show more")).to_be_hidden()


def test_an_id_that_nobody_has_is_said_in_words(admin: Visitor) -> None:
    admin.goes_to("/console/subjects#nobody")
    expect(admin.page.get_by_role("alert").filter(has_text="nobody")).to_be_visible()
    expect(admin.page.locator("#somebody")).to_be_hidden()
    admin.photographs("subject-unknown")


def test_a_reader_changes_nothing(guest: Visitor) -> None:
    guest.signs_in("reader")
    guest.goes_to("/console/subjects#ada")
    expect(guest.page.get_by_role("img", name="Gait energy image")).to_have_count(2)
    expect(guest.page.get_by_role("button", name="Erase")).to_have_count(0)
    expect(guest.page.get_by_role("button", name="Save")).to_have_count(0)


def test_a_person_is_renamed_merged_brought_back_moved_and_erased(admin: Visitor) -> None:
    page, service = admin.page, admin.service
    service.enroll("dan/1", 4, gallery="lab", name="Dan")
    service.enroll("dan 2", 5, gallery="lab")
    admin.goes_to("/console/subjects?gallery=lab")
    page.get_by_role("link", name="dan/1").click()
    page.get_by_label("Name").fill("Daniel <b>")
    page.get_by_label("Metadata").fill('{"badge": 17')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("The metadata cannot be read")
    page.get_by_label("Metadata").fill('{"badge": 17}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Daniel <b>")).to_be_visible()
    stored = service.call("GET", "/subjects/dan%2F1?gallery=lab").json()
    assert (stored["name"], stored["metadata"]) == ("Daniel <b>", {"badge": 17})

    page.get_by_label("Id of the subject that stays").fill("dan 2")
    page.get_by_role("button", name="Merge").click()
    page.get_by_role("dialog").get_by_role("button", name="Merge").click()
    expect(page.get_by_text("dan/1 (Daniel <b>) with 2 walks")).to_be_visible()
    expect(page.get_by_role("img", name="Gait energy image")).to_have_count(4)
    admin.photographs("subject-merged")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("img", name="Gait energy image")).to_have_count(2)

    page.get_by_label("To the gallery").fill("no-such-gallery")
    page.get_by_role("button", name="Move").click()
    expect(page.get_by_role("alert").first).to_contain_text("no-such-gallery")
    page.get_by_label("To the gallery").fill("hall")
    page.get_by_role("button", name="Move").click()
    expect(page.get_by_role("link", name="dan/1")).to_be_visible()
    expect(page.get_by_role("link", name="dan 2")).to_have_count(0)
    assert service.call("GET", "/subjects/dan%202").json()["gallery"] == "hall"
    service.call("DELETE", "/subjects/dan%202")

    page.get_by_role("link", name="dan/1").click()
    page.get_by_role("button", name="Erase the walk").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("img", name="Gait energy image")).to_have_count(1)
    page.get_by_role("button", name="Erase this person").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()
    admin.photographs("subject-erase")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Daniel <b>")).to_be_visible()
    page.get_by_role("button", name="Erase this person").click()
    page.get_by_role("dialog").get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("Nobody is found in this gallery.")).to_be_visible()
    admin.looks_around("subject-receipt")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the receipt").click()
    receipt = Receipt.read(json.loads(download.value.path().read_text(encoding="utf-8")))
    receipt.require_genuine(service.live.signer.public)
    assert receipt.statement["counts"]["walks"] == 1
    service.call("DELETE", "/galleries/lab")

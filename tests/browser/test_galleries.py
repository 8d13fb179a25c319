"""Galleries: made, measured, given rules, renamed, erased."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Route, expect

from tests.browser.visitor import Visitor
from tests.enrolling import enroll

pytestmark = pytest.mark.needs("chromium")


def _crowd(admin: Visitor, gallery: str, people: int) -> None:
    """People of two walks each, as the encoder might have embedded them."""
    registry = admin.service.live.registry
    serving = registry.checkpoints.serving()
    assert serving is not None
    rng = np.random.default_rng(1)
    for number in range(people):
        own_d = rng.standard_normal(256)
        walks = [own_d + 0.5 * rng.standard_normal(256) for _ in range(2)]
        vectors = [(walk / np.linalg.norm(walk)).astype(np.float32) for walk in walks]
        enroll(registry, f"s{number}", vectors, gallery=gallery, checkpoint_id=serving.active)


def test_a_gallery_is_made_measured_ruled_renamed_and_erased(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/console/galleries")
    expect(page.get_by_role("row", name="hall")).to_contain_text("3")
    page.get_by_role("textbox", name="Name").fill("crowd")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("link", name="crowd").click()
    expect(page.get_by_role("heading", name="crowd")).to_be_focused()
    page.get_by_role("button", name="Measure now").click()
    expect(page.get_by_role("alert").first).not_to_be_empty()
    admin.photographs("gallery-too-small")

    _crowd(admin, "crowd", 30)
    page.get_by_role("button", name="Measure now").click()
    expect(page.get_by_role("img", name="The threshold for each share")).to_be_visible()
    expect(page.locator("#thresholds")).to_contain_text("30 subjects")
    page.get_by_text("The figures").click()
    measured = admin.service.call("GET", "/galleries/crowd").json()["thresholds"][0]
    for target in measured["targets"]:
        expect(page.locator("#thresholds table").first).to_contain_text(
            f"{target['threshold']:.3f}"
        )
    admin.looks_around("gallery")
    page.get_by_role("button", name="Return to the checkpoint's").click()
    expect(page.get_by_text("Not measured: decisions")).to_be_visible()

    page.get_by_label("Walks of each subject, the best ones").fill("8")
    page.get_by_label("Days that a walk is kept").fill("365")
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(
        "Keep only the best 8 walks of each subject, walks for 365 days?"
    )
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("link", name="All galleries").click()
    expect(page.get_by_role("row", name="crowd")).to_contain_text("walks for 365 days")

    page.get_by_role("link", name="crowd").click()
    page.locator("#rename input").fill("hall")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("alert").first).to_contain_text("hall")
    page.locator("#rename input").fill("crowd-2")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="crowd-2")).to_be_visible()
    page.get_by_role("button", name="Erase this gallery").click()
    expect(page.get_by_role("dialog")).to_contain_text("30 subjects")
    page.get_by_role("dialog").get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("link", name="Download the receipt")).to_be_visible()
    expect(page.get_by_role("row", name="hall")).to_be_visible()
    expect(page.get_by_role("row", name="crowd-2")).to_have_count(0)


def test_one_gallery_is_never_shown_in_place_of_another(admin: Visitor) -> None:
    page = admin.page
    admin.service.call("POST", "/galleries", json={"name": "lab"})
    admin.goes_to("/console/galleries#hall")
    expect(page.get_by_role("heading", name="hall")).to_be_visible()
    page.get_by_role("link", name="All galleries").click()
    held: list[Route] = []
    page.route("**/galleries/lab", lambda route: held.append(route))
    with page.expect_request("**/galleries/lab"):
        page.get_by_role("link", name="lab").click()
    expect(page.locator("#all")).to_be_hidden()
    expect(page.locator("#one")).to_be_hidden()  # it still holds the other one's figures
    held.pop().continue_()
    expect(page.get_by_role("heading", name="lab")).to_be_visible()


def test_a_gallery_is_taken_away_as_a_file(admin: Visitor) -> None:
    admin.goes_to("/console/galleries#hall")
    with admin.page.expect_download() as download:
        admin.page.get_by_role("link", name="Export").click()
    assert download.value.suggested_filename == "hall.walkprint.jsonl"
    assert b"Ada Lovelace" in download.value.path().read_bytes()


def test_a_reader_measures_and_changes_nothing(guest: Visitor) -> None:
    guest.signs_in("reader")
    guest.goes_to("/console/galleries#hall")
    expect(guest.page.get_by_text("Not measured: decisions")).to_be_visible()
    expect(guest.page.locator("#work button:visible")).to_have_count(0)


def test_a_gallery_that_is_not_there_is_said_in_words(admin: Visitor) -> None:
    admin.goes_to("/console/galleries#nowhere")
    expect(admin.page.get_by_role("alert").first).to_contain_text("nowhere")
    expect(admin.page.get_by_role("row", name="hall")).to_be_visible()

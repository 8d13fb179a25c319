"""Identifying: somebody who is known, a stranger, a recording that cannot be used."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import Visitor
from tests.walks import walk_video, walk_zip

pytestmark = pytest.mark.needs("chromium")
_ADA, _STRANGER = 1, 7
_DRAWN = """(canvas, least) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, at) => at % 4 !== 3 && value > 0).length >= least;
}"""
"""Whether so many colour values of a canvas are not black."""


def _choose(page: Page, name: str, media: bytes, kind: str = "application/zip") -> None:
    page.get_by_label("Drop a walk here").set_input_files(
        {"name": name, "mimeType": kind, "buffer": media}
    )


def _expect_drawn(canvas: Locator, *, least: int) -> None:
    """Pictures come after the words."""
    canvas.page.wait_for_function(
        f"([canvas, least]) => ({_DRAWN})(canvas, least)", arg=[canvas.element_handle(), least]
    )


def _identify(page: Page) -> None:
    page.get_by_role("button", name="Identify", exact=True).click()


def test_somebody_who_is_known_is_named_with_what_the_answer_rests_on(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/")
    _choose(page, "walk.zip", walk_zip(_ADA, walk=3))
    _identify(page)

    expect(page.locator(".decision")).to_have_text("Ada Lovelace")
    expect(page.get_by_role("status").filter(has_text="Ada Lovelace")).to_be_attached()
    expect(page.locator(".stages .done")).to_have_count(7)
    clip = page.get_by_role("img", name="The walker's silhouette in one frame")
    _expect_drawn(clip, least=100)
    strip = page.get_by_role("img", name=re.compile("silhouettes of one gait cycle"))
    _expect_drawn(strip.locator("canvas").first, least=100)
    expect(page.get_by_role("img", name=re.compile(r"score 0\.\d+, threshold 0"))).to_be_visible()
    expect(page.locator(".drawing path.strangers")).to_have_count(1)
    expect(page.locator(".drawing path.line")).to_have_count(2)
    expect(page.locator(".candidates > li")).to_have_count(3)
    differences = page.get_by_role("img", name=re.compile("Where they differ: mostly"))
    expect(differences).to_have_count(3)
    _expect_drawn(differences.first, least=1)
    admin.looks_around("identify-known")


def test_the_silhouettes_are_played_frame_by_frame(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/")
    _choose(page, "walk.mp4", walk_video(_ADA, walk=3), "video/mp4")
    _identify(page)
    # OpenCV writes what no browser plays: then the silhouettes come alone, and it is said.
    expect(page.get_by_text("The silhouettes alone")).to_be_visible()
    frame = page.get_by_role("slider", name="Frame")
    frame.fill(frame.get_attribute("min") or "")
    first = frame.input_value()
    page.get_by_role("button", name="Play").click()
    expect(frame).not_to_have_value(first)
    page.get_by_role("button", name="Pause").click()
    frame.focus()
    before = frame.input_value()
    page.keyboard.press("ArrowRight")
    expect(frame).to_have_value(str(int(before) + 1))


def test_a_stranger_is_unknown(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/")
    _choose(page, "walk.zip", walk_zip(_STRANGER))
    _identify(page)
    expect(page.locator(".decision")).to_have_text("Unknown")
    expect(page.get_by_text("no score reaches the threshold")).to_be_visible()
    admin.looks_around("identify-unknown")


def test_a_recording_that_cannot_be_used_is_refused_with_its_explanation(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/")
    _choose(page, "notes.txt", b"no walk at all", "text/plain")
    _identify(page)
    refusal = page.get_by_role("alert").filter(has_text="not readable media")
    expect(refusal).to_be_visible()
    expect(page.locator(".stages")).to_have_count(0)
    expect(page.get_by_role("button", name="Identify", exact=True)).to_be_enabled()
    admin.looks_around("identify-refused")


def test_a_sample_video_is_followed_by_stage_and_played_under_its_masks(admin: Visitor) -> None:
    """A real street, with a codec that Chromium plays; it takes the service some seconds."""
    page = admin.page
    admin.goes_to("/")
    page.get_by_role("button", name="A woman on a street").click()
    expect(page.locator(".drop-text")).to_have_text("street.mp4")
    _identify(page)
    expect(page.locator(".stages [aria-current=step]")).to_contain_text(
        "Find the walker", timeout=60_000
    )
    admin.photographs("identify-progress")
    expect(page.locator(".decision")).to_have_text("Unknown", timeout=180_000)
    expect(page.locator("video")).to_have_js_property("videoWidth", 1768)
    _expect_drawn(page.locator(".clip canvas"), least=100)
    page.get_by_role("button", name="Play").click()
    frame = page.get_by_role("slider", name="Frame")
    middle = frame.input_value()
    expect(frame).not_to_have_value(middle)
    page.get_by_role("button", name="Pause").click()
    admin.looks_around("identify-street")


def test_a_recording_that_takes_long_is_taken_back(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/")
    page.get_by_role("button", name="A woman on a street").click()
    expect(page.locator(".drop-text")).to_have_text("street.mp4")
    _identify(page)
    page.get_by_role("button", name="Take it back").click()
    refusal = page.get_by_role("alert").filter(has_text="The job was taken back")
    expect(refusal).to_be_visible()
    expect(page.locator(".stages")).to_have_count(0)


def test_nothing_is_kept_of_a_walk_that_need_not_be_explained(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/")
    page.get_by_label("Show what the answer rests on").uncheck()
    _choose(page, "walk.zip", walk_zip(_ADA, walk=3))
    with page.expect_response("**/identify") as identified:
        _identify(page)
    expect(page.locator(".decision")).to_have_text("Ada Lovelace")
    expect(page.locator("canvas[aria-label*=silhouette]")).to_have_count(0)
    assert identified.value.json()["explanation"] is None


def test_without_the_scope_to_read_subjects_no_stored_picture_is_asked_for(guest: Visitor) -> None:
    guest.signs_in("guard")
    page = guest.page
    guest.goes_to("/")
    _choose(page, "walk.zip", walk_zip(_ADA, walk=3))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _identify(page)
    expect(page.get_by_text("need the scope subjects:read")).to_be_visible()
    assert not [url for url in asked if "/walks/" in url]

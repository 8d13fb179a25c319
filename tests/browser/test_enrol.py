"""Enrolling: one person after a check, and a folder of people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.app.http.test_quality import poor_walk
from tests.browser.visitor import Visitor
from tests.walks import walk_zip

pytestmark = pytest.mark.needs("chromium")
_ADA, _DAN, _EVE = 1, 8, 9


@pytest.fixture
def annex(admin: Visitor) -> Iterator[str]:
    """A gallery of the test's own, chosen and gone afterwards."""
    admin.goes_to("/console/enrol?gallery=annex")
    yield "annex"
    if "annex" in admin.service.call("GET", "/galleries").text:
        admin.service.call("DELETE", "/galleries/annex?force=true")


def _choose(page: Page, *walks: tuple[str, bytes]) -> None:
    page.locator("#enrol [name=walk]").set_input_files(
        [FilePayload(name=name, mimeType="application/zip", buffer=walk) for name, walk in walks]
    )


def _walks_of(admin: Visitor, subject: str, gallery: str) -> int:
    walks: int = admin.service.call("GET", f"/subjects/{subject}?gallery={gallery}").json()["walks"]
    return walks


def test_walks_are_checked_one_by_one_before_anybody_is_enrolled(
    admin: Visitor, annex: str
) -> None:
    page = admin.page
    page.get_by_label("Subject id").fill("dan")
    _choose(page, ("good.zip", walk_zip(_DAN)), ("poor.zip", poor_walk()), ("none.zip", b"PK"))
    page.get_by_role("button", name="Check first").click()
    expect(page.get_by_text("Nothing is stored yet")).to_be_visible(timeout=60_000)
    good, poor, none = page.locator(".checked").all()
    expect(good).to_contain_text("Good enough.")
    expect(poor).to_contain_text("Too poor to be enrolled.")
    expect(poor).to_contain_text("Move the camera closer")
    expect(none.locator(".problem")).to_be_visible()
    assert annex not in admin.service.call("GET", "/galleries").text
    admin.looks_around("enrol-checked")

    _choose(page, ("1.zip", walk_zip(_DAN)), ("2.zip", walk_zip(_DAN, walk=2)))
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_text("Enrolled dan").first).to_be_visible(timeout=60_000)
    expect(page.get_by_role("img", name="Gait energy image of a stored walk")).to_have_count(2)
    assert _walks_of(admin, "dan", annex) == 2


def test_somebody_who_walks_like_another_is_pointed_out_before_and_after(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/console/enrol")
    page.get_by_label("Subject id").fill("ada-again")
    _choose(page, ("walk.zip", walk_zip(_ADA, walk=3)))
    page.get_by_role("button", name="Check first").click()
    expect(page.get_by_text("Walks much like: ada")).to_be_visible(timeout=60_000)


def test_a_refused_walk_is_explained(admin: Visitor, annex: str) -> None:
    page = admin.page
    page.get_by_label("Subject id").fill("dan")
    _choose(page, ("poor.zip", poor_walk()))
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Move the camera closer")).to_be_visible(
        timeout=60_000
    )


def _folder(tmp_path: Path, walks: dict[str, bytes]) -> Path:
    folder = tmp_path / "people"
    for name, walk in walks.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(walk)
    return folder


def test_a_folder_of_people_is_enrolled_and_says_what_became_of_each(
    admin: Visitor, annex: str, tmp_path: Path
) -> None:
    page = admin.page
    walks = {
        "dan/1.zip": walk_zip(_DAN),
        "dan/2.zip": walk_zip(_DAN, walk=2),
        "eve/1.zip": walk_zip(_EVE),
        "eve/notes.txt": b"not a walk",
        "finn/poor.zip": poor_walk(),
    }
    page.get_by_label("Folder").set_input_files(_folder(tmp_path, walks))
    page.get_by_role("button", name="Enrol all").click()
    expect(page.get_by_text("2 of 3 people are enrolled.")).to_be_visible(timeout=60_000)
    rows = page.locator("#bulk-rows tr")
    expect(rows.filter(has_text="dan")).to_contain_text("2 walks stored")
    expect(rows.filter(has_text="finn")).to_contain_text("Move the camera closer")
    admin.looks_around("enrol-bulk")
    assert (_walks_of(admin, "dan", annex), _walks_of(admin, "eve", annex)) == (2, 1)


def test_a_list_says_whose_each_file_is(admin: Visitor, annex: str, tmp_path: Path) -> None:
    page = admin.page
    walks = {"a.zip": walk_zip(_DAN), "monday/b.zip": walk_zip(_EVE), "c.zip": walk_zip(_ADA)}
    page.get_by_label("Folder").set_input_files(_folder(tmp_path, walks))
    table = 'file,subject,name\na.zip,dan,"Dan, the first"\nmonday/b.zip,eve,\n'
    listed = FilePayload(name="people.csv", mimeType="text/csv", buffer=table.encode())
    page.get_by_label("List (CSV, optional)").set_input_files(listed)
    page.get_by_role("button", name="Enrol all").click()
    expect(page.get_by_text("2 of 2 people are enrolled.")).to_be_visible(timeout=60_000)
    stored = admin.service.call("GET", f"/subjects/dan?gallery={annex}").json()
    assert stored["name"] == "Dan, the first"


def test_a_list_that_names_nobody_is_refused_in_words(
    admin: Visitor, annex: str, tmp_path: Path
) -> None:
    page = admin.page
    page.get_by_label("Folder").set_input_files(_folder(tmp_path, {"a.zip": walk_zip(_DAN)}))
    listed = FilePayload(name="people.csv", mimeType="text/csv", buffer=b"a.zip\n")
    page.get_by_label("List (CSV, optional)").set_input_files(listed)
    page.get_by_role("button", name="Enrol all").click()
    expect(page.get_by_role("alert").filter(has_text="a.zip")).to_be_visible()
    assert annex not in admin.service.call("GET", "/galleries").text

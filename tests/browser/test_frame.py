"""What surrounds every page: signing in, the menu, who may see what."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from app.http.console import PAGES, ConsolePage
from tests.browser.visitor import NARROW, Visitor

pytestmark = pytest.mark.needs("chromium")
_MARK_USABLE = """() => {
  const usable = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter((one) => !one.disabled && one.checkVisibility() && one.tabIndex >= 0);
  usable.forEach((one, number) => { one.dataset.number = number; });
  return usable.length;
}"""
_FOCUSED = """() => {
  const here = document.activeElement;
  const outlined = [here, here.closest(".drop")].some((one) =>
    one && getComputedStyle(one).outlineStyle !== "none");
  // A date's parts show it themselves, where no script sees it.
  if (here.type === "date") return [Number(here.dataset.number), true];
  const isDrawn = here instanceof SVGElement && parseFloat(getComputedStyle(here).strokeWidth) >= 4;
  return [Number(here.dataset?.number ?? -1), outlined || isDrawn || here === document.body];
}"""
_FIRST_VIEW_BYTES = 100_000


def _links(guest: Visitor) -> list[str]:
    return [link.inner_text() for link in guest.page.locator("#pages a:visible").all()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_can_be_read_by_everybody_in_any_light(
    admin: Visitor, page: ConsolePage
) -> None:
    admin.goes_to(page.path)
    expect(admin.page.locator("h1:visible")).to_have_count(1)
    expect(admin.page.locator("#pages [aria-current=page]")).to_have_count(1)
    admin.looks_around(page.name)


def test_a_guest_signs_in_with_a_key_and_out_again(guest: Visitor) -> None:
    guest.goes_to("/console/subjects")
    expect(guest.page.get_by_label("Your key")).to_be_focused()
    assert _links(guest) == ["API"]
    guest.looks_around("sign-in")

    guest.page.get_by_label("Your key").fill("wp_nonsense")
    guest.page.keyboard.press("Enter")
    expect(guest.page.get_by_role("alert").first).to_contain_text("The caller is not known")

    guest.page.get_by_label("Your key").fill(guest.service.keys["admin"])
    guest.page.keyboard.press("Enter")
    expect(guest.page.get_by_role("rowheader", name="ada")).to_be_visible()
    expect(guest.page.locator("#caller")).to_have_text("admin")
    kept = guest.page.evaluate(
        "[document.cookie, JSON.stringify(localStorage), document.body.outerHTML]"
    )
    assert all(guest.service.keys["admin"] not in each for each in kept)
    assert "walkprint_session" not in kept[0], "a script can read the cookie"

    guest.page.get_by_role("button", name="Sign out").click()
    expect(guest.page.get_by_label("Your key")).to_be_visible()
    expect(guest.page.get_by_role("rowheader", name="ada")).to_have_count(0)


def test_a_session_that_ends_while_somebody_works_leads_to_the_door(admin: Visitor) -> None:
    admin.goes_to("/console/subjects")
    admin.page.context.clear_cookies()
    admin.page.get_by_label("Search").fill("ada")
    expect(admin.page.get_by_text("Your session has ended")).to_be_visible()
    expect(admin.page.locator("#work")).to_be_hidden()


def test_pages_and_links_that_a_key_does_not_allow_are_not_offered(guest: Visitor) -> None:
    guest.signs_in("reader")
    guest.goes_to("/console/subjects")
    reads = [say_of(page) for page in PAGES if page.scope in (None, "subjects:read")]
    assert _links(guest) == reads
    expect(guest.page.get_by_role("button", name="Erase")).to_have_count(0)

    guest.goes_to("/")
    expect(guest.page.get_by_text("It needs the scope identify.")).to_be_visible()
    expect(guest.page.locator("#work")).to_be_hidden()
    guest.looks_around("refused")


def test_a_key_of_some_galleries_begins_in_one_of_them(guest: Visitor) -> None:
    guest.signs_in("admin of hall")
    guest.page.add_init_script("sessionStorage.removeItem('walkprint-gallery')")
    guest.goes_to("/console/subjects")
    expect(guest.page.locator("#gallery")).to_have_value("hall")
    everywhere = {say_of(page) for page in PAGES if page.everywhere}
    assert not everywhere & set(_links(guest))


def test_whoever_has_chosen_none_begins_with_a_gallery_that_is_there(admin: Visitor) -> None:
    there = [each["name"] for each in admin.service.call("GET", "/galleries").json()["galleries"]]
    assert "default" not in there
    admin.page.add_init_script("sessionStorage.removeItem('walkprint-gallery')")
    admin.goes_to("/console/subjects")
    expect(admin.page.locator("#gallery")).to_have_value(there[0])
    expect(admin.page.get_by_role("alert").first).to_be_empty()


def test_the_chosen_gallery_stays_chosen_on_the_next_page(admin: Visitor) -> None:
    admin.goes_to("/console/subjects")
    admin.page.locator("#gallery").fill("nobody-here")
    admin.page.keyboard.press("Enter")
    expect(admin.page.get_by_text("Nobody is found in this gallery.")).to_be_visible()
    admin.page.get_by_role("link", name="Enrol").click()
    expect(admin.page.locator("#gallery")).to_have_value("nobody-here")


def test_a_narrow_window_has_a_menu_that_keys_open(admin: Visitor) -> None:
    admin.page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    admin.goes_to("/console/subjects")
    menu = admin.page.get_by_role("button", name="Menu")
    expect(admin.page.get_by_role("navigation")).to_be_hidden()
    menu.focus()
    admin.page.keyboard.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    admin.photographs("menu-light-360")
    admin.page.keyboard.press("Tab")
    admin.page.keyboard.press("Enter")
    expect(admin.page).to_have_url(re.compile(r"/$"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_whatever_can_be_clicked_is_reached_by_keys_and_shows_it(
    admin: Visitor, page: ConsolePage
) -> None:
    admin.goes_to(page.path)
    count = admin.page.evaluate(_MARK_USABLE)
    assert count > 10
    reached: set[int] = set()
    for _ in range(count + 10):  # a date has four places, and the browser's own window one
        admin.page.keyboard.press("Tab")
        number, is_seen = admin.page.evaluate(_FOCUSED)
        assert is_seen, admin.page.evaluate("document.activeElement.outerHTML")
        reached.add(number)
    assert reached >= set(range(count))


def test_the_first_view_of_each_page_is_small(admin: Visitor) -> None:
    """Everything that the browser loads before there is anything to see, pictures aside."""
    loaded: list[str] = []
    admin.page.on("request", lambda request: loaded.append(urlsplit(request.url).path))
    for page in PAGES:
        loaded.clear()
        admin.goes_to(page.path)
        files = {path for path in loaded if path.startswith("/console/")} | {page.path}
        assert f"/console/static/{page.name}.js" in files
        total_bytes = sum(len(admin.service.live.http.get(path).content) for path in files)
        assert total_bytes <= _FIRST_VIEW_BYTES, (page.name, total_bytes)


def say_of(page: ConsolePage) -> str:
    """A page's name in the menu."""
    return {"docs": "API"}.get(page.name, page.name.capitalize())

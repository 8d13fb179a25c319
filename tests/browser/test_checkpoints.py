"""Checkpoints: installed, activated while the other one serves, rolled back, removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.visitor import Visitor
from tests.decoders import wait_until
from tests.other_checkpoints import checkpoint_file, other_checkpoint, shipped_id

pytestmark = pytest.mark.needs("chromium")


def _file(folder: Path, seed: int = 1, *, height: int = 64, width: int = 44) -> Path:
    path = folder / "new.safetensors"
    path.write_bytes(checkpoint_file(seed, height=height, width=width))
    return path


def _gives_back(page: Page, card: Locator) -> None:
    """The shipped checkpoint serves again, and the other one goes."""
    page.get_by_role("button", name="Go back").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back").click()
    shipped = page.locator("#checkpoints .card").filter(has_text=shipped_id())
    expect(shipped.locator(".tag")).to_have_text("serves")
    card.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(card).to_have_count(0)


def test_a_checkpoint_takes_over_with_progress_and_gives_back(
    admin: Visitor, tmp_path: Path
) -> None:
    page, service = admin.page, admin.service
    new = other_checkpoint().checkpoint_id
    admin.goes_to("/console/checkpoints")
    page.get_by_label("A .safetensors file").set_input_files(_file(tmp_path))
    page.get_by_role("button", name="Install").click()
    expect(page.get_by_text(f"{new} is installed.")).to_be_visible()
    card = page.locator("#checkpoints .card").filter(has_text=new)

    card.get_by_role("button", name="Have it serve").click()
    expect(page.get_by_text("serves once all stored walks are embedded")).to_be_visible()
    expect(card).to_contain_text("serves", timeout=60_000)
    expect(card.locator(".tag")).to_have_text("serves", timeout=60_000)
    expect(card).to_contain_text("6 stored walks can be found by it, 0 cannot yet.")
    assert service.call("GET", f"/checkpoints/{new}").json()["active"]
    _gives_back(page, card)


def test_who_takes_over_between_two_questions_of_the_page_is_seen_to_serve(
    admin: Visitor, tmp_path: Path
) -> None:
    page, service = admin.page, admin.service
    new = other_checkpoint(2).checkpoint_id

    def too_early(route: Route) -> None:
        """The list as it was before, told when it is so no longer."""
        answer = route.fetch()
        wait_until(lambda: service.call("GET", f"/checkpoints/{new}").json()["active"], "it serves")
        route.fulfill(response=answer)

    admin.goes_to("/console/checkpoints")
    page.get_by_label("A .safetensors file").set_input_files(_file(tmp_path, 2))
    page.get_by_role("button", name="Install").click()
    expect(page.get_by_text(f"{new} is installed.")).to_be_visible()
    card = page.locator("#checkpoints .card").filter(has_text=new)
    page.route("**/checkpoints", too_early, times=1)
    card.get_by_role("button", name="Have it serve").click()
    expect(card.locator(".tag")).to_have_text("serves", timeout=60_000)
    _gives_back(page, card)


def test_progress_is_shown_and_can_be_paused_and_cancelled(admin: Visitor, tmp_path: Path) -> None:
    page, service = admin.page, admin.service
    larger = other_checkpoint(height=96, width=66).checkpoint_id
    admin.goes_to("/console/checkpoints")
    page.get_by_label("A .safetensors file").set_input_files(_file(tmp_path, height=96, width=66))
    page.get_by_role("button", name="Install").click()
    card = page.locator("#checkpoints .card").filter(has_text=larger)
    card.get_by_role("button", name="Have it serve").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("other-gei-size: 6")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert service.call("GET", f"/checkpoints/{shipped_id()}").json()["active"]

    service.live.registry.switching.activate(larger, accept_loss=True)
    service.live.registry.reembeddings.change(larger, "paused")
    page.reload()
    expect(card.get_by_role("progressbar")).to_be_visible()
    admin.looks_around("checkpoint-paused")
    card.get_by_role("button", name="Cancel").click()
    expect(card.get_by_role("progressbar")).to_have_count(0)
    card.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(card).to_have_count(0)


def test_a_file_that_is_no_checkpoint_is_refused_in_words(admin: Visitor) -> None:
    admin.goes_to("/console/checkpoints")
    admin.page.get_by_label("A .safetensors file").set_input_files(
        {"name": "x.safetensors", "mimeType": "text/plain", "buffer": b"not weights"}
    )
    admin.page.get_by_role("button", name="Install").click()
    expect(admin.page.get_by_role("alert").first).to_contain_text("x.safetensors")
    expect(admin.page.locator("#checkpoints .card")).to_have_count(1)


def test_a_reader_sees_what_serves_and_changes_nothing(guest: Visitor) -> None:
    guest.signs_in("reader")
    guest.goes_to("/console/checkpoints")
    expect(guest.page.get_by_role("heading", name=shipped_id())).to_be_visible()
    expect(guest.page.locator("#work button:visible")).to_have_count(0)

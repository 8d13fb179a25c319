"""The audit log: read, searched, with its signed end."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

pytestmark = pytest.mark.needs("chromium")


def test_the_log_is_read_and_searched(admin: Visitor) -> None:
    page = admin.page
    admin.goes_to("/console/audit")
    head = admin.service.call("GET", "/audit?limit=1").json()["head"]
    expect(page.locator("#head")).to_contain_text(head["hash"])
    page.get_by_label("What was done").select_option("subject.enrolled")
    page.get_by_role("textbox", name="Subject").fill("ada")
    page.get_by_role("textbox", name="Gallery").fill("hall")
    page.get_by_role("button", name="Search").click()
    rows = page.locator("#entries tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("subject.enrolled")
    expect(rows).to_contain_text("walks 2")

    page.get_by_label("What was done").select_option("backup.made")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("Nothing of that kind is written down.")).to_be_visible()

    page.get_by_role("textbox", name="Subject").fill("nobody")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("alert").first).to_contain_text("nobody")

"""The built documentation is searched without a server, by opening it as a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.chromium import chromium
from tests.docs.pages import build

pytestmark = pytest.mark.needs("chromium")


def test_pages_opened_as_files_are_searched_and_ask_nobody(tmp_path: Path) -> None:
    site = tmp_path / "docs"  # as the address of what was found names it below
    built = build(site)
    assert built.returncode == 0, built.stderr
    asked: list[str] = []
    with chromium() as running:
        page = running.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "accuracy" / "index.html").as_uri())
        page.locator("#__search").dispatch_event("click")
        page.locator("input.md-search__input").press_sequentially("retention")
        found = page.locator(".md-search-result__item a").first
        expect(found).to_be_attached(timeout=60_000)
        address = found.get_attribute("href") or ""
    assert (
        (site / address.split("/docs/", 1)[1].partition(".html")[0]).with_suffix(".html").is_file()
    )
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]

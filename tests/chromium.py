"""Debian's Chromium, without a window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.programs import path_of


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that runs until the block ends.

    Playwright keeps an event loop in this thread meanwhile: nothing else can call `asyncio.run`.
    """
    with sync_playwright() as playwright:
        # Root may not use Chromium's own sandbox; the pages are ours.
        running = playwright.chromium.launch(
            executable_path=path_of("chromium"), args=["--no-sandbox"]
        )
        try:
            yield running
        finally:
            running.close()

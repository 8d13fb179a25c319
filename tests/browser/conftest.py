"""One Chromium and one service for all browser tests; pictures of what they saw are kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.service import PeopledService, peopled_service
from tests.browser.visitor import Visitor, visitor
from tests.chromium import chromium

# How long an expectation may take to come true; Playwright's own five seconds are short on a
# machine that has other things to do.
expect.set_options(timeout=30_000)

_PICTURES = pytest.StashKey[Path]()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Where screenshots lie; WALKPRINT_PICTURES names another folder."""
    named = os.environ.get("WALKPRINT_PICTURES")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    request.config.stash[_PICTURES] = folder
    return folder


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Says where the screenshots are."""
    if _PICTURES in config.stash:
        terminalreporter.write_line(f"screenshots: {config.stash[_PICTURES]}")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for this folder, and ended with it: other tests call `asyncio.run` in this thread."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="package")
def peopled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeopledService]:
    """The service that all browser tests share; each leaves it as it was."""
    with peopled_service(tmp_path_factory.mktemp("peopled")) as service:
        yield service


@pytest.fixture
def guest(browser: Browser, peopled: PeopledService, pictures: Path) -> Iterator[Visitor]:
    """Somebody who has not signed in."""
    with visitor(browser, peopled, pictures) as somebody:
        yield somebody


@pytest.fixture
def admin(guest: Visitor) -> Visitor:
    """Somebody who may do everything."""
    guest.signs_in("admin")
    return guest

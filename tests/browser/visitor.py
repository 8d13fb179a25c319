"""Somebody at a browser: what they do, and what must never go wrong while they do it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.browser.service import HALL, PeopledService

NARROW, WIDE, WIDEST = (360, 740), (1440, 900), (3840, 2160)
"""Width and height in CSS pixels: a small telephone, a laptop, a screen of four thousand."""
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_SERIOUS = frozenset({"serious", "critical"})
# axe-core describes every node that passed, too, unless it is told not to.
_FINDINGS_ONLY = {"resultTypes": ["violations"]}
_PATIENCE_MILLISECONDS = 20_000
# Texts as they are on the screen: letters in a drawing are as large as the drawing is scaled.
# Drawings follow the window one frame later than the rest.
_READING = """async () => {
  for (let n = 0; n < 3; n += 1) await new Promise(requestAnimationFrame);
  const seen = (node) => node.checkVisibility() && !node.closest(".unseen, .skip");
  const scale = (node) => {
    if (!node.getScreenCTM) return 1;
    const { a, b } = node.getScreenCTM();
    return Math.hypot(a, b);
  };
  const letters = (node) => parseFloat(getComputedStyle(node).fontSize) * scale(node);
  const named = (node) => node.textContent.trim().slice(0, 40);
  const texts = [...document.querySelectorAll("header *, nav *, main *")].filter((node) =>
    seen(node) && [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim()));
  return {
    window: innerWidth,
    page: parseFloat(getComputedStyle(document.documentElement).fontSize),
    texts: texts.map((node) => ({ text: named(node), letters: letters(node) })),
    paragraphs: [...document.querySelectorAll("main p")].filter(seen).map((node) =>
      ({ text: named(node), width: node.clientWidth })),
  };
}"""


@dataclass
class Visitor:
    """One browser context with one page.

    Attributes:
        page: Playwright's.
        service: that is visited.
        pictures: the folder for screenshots.
        mishaps: what went wrong that a visitor does not see: errors of scripts, requests to
            elsewhere, what the content security policy kept from happening.
    """

    page: Page
    service: PeopledService
    pictures: Path
    mishaps: list[str] = field(default_factory=list)

    def goes_to(self, path: str) -> None:
        """Opens a page and waits until nothing is being loaded any more."""
        self.page.goto(f"{self.service.live.url}{path}", wait_until="networkidle")

    def signs_in(self, role: str) -> None:
        """Has a session from now on, without the way through the form."""
        url = self.service.live.url
        answer = self.page.context.request.post(
            f"{url}/session", data={"key": self.service.keys[role]}, headers={"Origin": url}
        )
        assert answer.ok, answer.text()

    def photographs(self, name: str) -> None:
        """Keeps a picture of the whole page under `pictures`."""
        self.page.screenshot(path=self.pictures / f"{name}.png", full_page=True)

    def sees_no_barrier(self) -> None:
        """axe-core finds nothing serious."""
        found = Axe().run(self.page, options=_FINDINGS_ONLY).response["violations"]
        serious = [
            f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']][:5]}"
            for each in found
            if each["impact"] in _SERIOUS
        ]
        assert not serious, "\n".join(serious)

    def fits(self) -> None:
        """Nothing sticks out at the side."""
        widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        scroll_pixels, client_pixels = self.page.evaluate(widths)
        assert scroll_pixels <= client_pixels, "the page is wider than its window"

    def reads_well(self) -> None:
        """Letters are large enough for this window, and no paragraph is too wide for the eye.

        The smallest letters: 12 of 16 pixels, those of the ticks of a plot, and as much larger as
        the window's letters are. The widest lines: 46 times the page's letters, some hundred of
        them.
        """
        shown = self.page.evaluate(_READING)
        assert shown["page"] >= (24 if shown["window"] >= WIDEST[0] else 16), shown
        times = shown["page"] / 16
        small = [each for each in shown["texts"] if each["letters"] < 11.9 * times]
        assert not small, f"too small to read: {small}"
        wide = [each for each in shown["paragraphs"] if each["width"] > 46.1 * shown["page"]]
        assert not wide, f"too wide to read: {wide}"

    def looks_around(self, name: str) -> None:
        """Pictures of the page in both colour schemes, from narrow to widest; no barrier in any.

        What axe-core looks for does not depend on how much wider than a laptop a window is.
        """
        for scheme, size in product(_SCHEMES, (NARROW, WIDE, WIDEST)):
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size({"width": size[0], "height": size[1]})
            self.fits()
            self.reads_well()
            self.photographs(f"{name}-{scheme}-{size[0]}")
            if size != WIDEST:
                self.sees_no_barrier()


@contextmanager
def visitor(browser: Browser, service: PeopledService, pictures: Path) -> Iterator[Visitor]:
    """A visitor who comes for the first time.

    Args:
        browser: that runs.
        service: to visit.
        pictures: the folder for screenshots.

    Raises:
        AssertionError: at the end, when there was a mishap.
    """
    context = browser.new_context(
        viewport={"width": WIDE[0], "height": WIDE[1]},
        locale="en-GB",
        timezone_id="UTC",
        reduced_motion="reduce",
    )
    context.set_default_timeout(_PATIENCE_MILLISECONDS)
    # Whoever chose nothing yet would begin in a gallery that is empty here.
    context.add_init_script(
        f"sessionStorage.getItem('walkprint-gallery')"
        f" ?? sessionStorage.setItem('walkprint-gallery', '{HALL}')"
    )
    page = context.new_page()
    somebody = Visitor(page, service, pictures)
    _watch(page, somebody.mishaps, service.live.url)
    try:
        yield somebody
    finally:
        context.close()
    assert not somebody.mishaps, somebody.mishaps


def _watch(page: Page, mishaps: list[str], home: str) -> None:
    def heard(message: ConsoleMessage) -> None:
        # A refusal is an answer: the browser notes every status beyond 399 by itself.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            mishaps.append(message.text)

    def asked(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and not request.url.startswith(f"{home}/"):
            mishaps.append(f"a request to {request.url}")

    page.on("pageerror", lambda error: mishaps.append(str(error)))
    page.on("console", heard)
    page.on("request", asked)

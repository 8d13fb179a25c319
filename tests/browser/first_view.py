"""How much is loaded, and how long it takes, until a page is seen and can be used.

`python -m tests.browser.first_view`

On loopback, in a fresh browser each time; the middle of several views of each page.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from app.http.console import PAGES
from tests.browser.service import PeopledService, peopled_service
from tests.browser.visitor import visitor
from tests.chromium import chromium

_VIEWS = 5
_MEASURED = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const files = performance.getEntriesByType("resource")
    .filter(({ name }) => name.includes("/console/"));
  const bytes = files.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  return [page.encodedBodySize + bytes, paint.startTime, page.loadEventEnd];
}"""


def main() -> None:
    """Prints one line a page."""
    with (
        tempfile.TemporaryDirectory() as data,
        peopled_service(Path(data)) as service,
        chromium() as browser,
    ):
        sys.stdout.write("page          bytes  painted after  loaded after\n")
        for page in PAGES:
            views = [_view(browser, service, page.path) for _ in range(_VIEWS)]
            size_bytes, painted_ms, loaded_ms = (
                median(column) for column in zip(*views, strict=True)
            )
            sys.stdout.write(
                f"{page.name:12} {size_bytes:6.0f} {painted_ms:11.0f} ms {loaded_ms:10.0f} ms\n"
            )


def _view(browser: Browser, service: PeopledService, path: str) -> tuple[float, float, float]:
    with visitor(browser, service, Path()) as somebody:
        somebody.signs_in("admin")
        somebody.goes_to(path)
        size_bytes, painted_ms, loaded_ms = somebody.page.evaluate(_MEASURED)
        return float(size_bytes), float(painted_ms), float(loaded_ms)


if __name__ == "__main__":
    main()

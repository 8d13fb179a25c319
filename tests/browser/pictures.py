"""Pictures of every page of the console for the documentation: `python -m tests.browser.pictures`.

Everybody in them was generated. The command needs Debian's Chromium and takes about two minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page

from app.client.media import encode_mask
from app.demo.people import NAMES, Walk
from app.http.console import PAGES
from tests.browser.service import HALL, PeopledService, peopled_service
from tests.browser.visitor import Visitor, visitor
from tests.chromium import chromium
from tests.other_checkpoints import checkpoint_file, other_checkpoint
from tests.walks import zip_of

_FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
_SIZE = {"width": 1200, "height": 820}
_MOST_BYTES = 110_000
_AZIMUTHS_DEGREES = (90.0, 270.0, 10.0)
"""To the left, to the right, nearly towards the camera."""


def main() -> int:
    """Draws all pictures; says their sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=_FOLDER)
    folder: Path = parser.parse_args().folder
    with (
        tempfile.TemporaryDirectory() as data,
        peopled_service(Path(data)) as service,
        chromium() as browser,
    ):
        _fill(service)
        with visitor(browser, service, folder) as admin:
            admin.signs_in("admin")
            admin.page.set_viewport_size(_SIZE)  # type: ignore[arg-type]  # a TypedDict
            for page in PAGES:
                admin.goes_to(page.path)
                if page.name in _STEPS:
                    _STEPS[page.name](admin.page)
                _keep(admin, f"console-{page.name}")
    return 0


def _zip(walk: Walk) -> bytes:
    frames = enumerate(walk.masks_thw())
    return zip_of({f"{n:03d}.png": encode_mask(mask_hw) for n, mask_hw in frames})


def _fill(service: PeopledService) -> None:
    """A dozen people from three sides, thresholds of their own, a checkpoint on its way."""
    for person in NAMES:
        walks = [
            ("walk", (f"{n}.zip", _zip(Walk(person, n, "nm", azimuth))))
            for n, azimuth in enumerate((*_AZIMUTHS_DEGREES, 90.0), 1)
        ]
        data = {"subject": f"{person}-1", "gallery": HALL, "name": person.capitalize()}
        service.call("POST", "/enroll", data=data, files=walks)
    for left_over in ("ada", "bob", "cleo"):
        service.call("DELETE", f"/subjects/{left_over}?gallery={HALL}")
    service.call("POST", f"/galleries/{HALL}/calibrate")
    service.call("POST", "/checkpoints", files={"checkpoint": ("new", checkpoint_file())})
    registry = service.live.registry
    new = other_checkpoint().checkpoint_id
    registry.switching.activate(new, accept_loss=False)
    registry.reembeddings.change(new, "paused")


def _identify(page: Page) -> None:
    media = _zip(Walk("eva", 60, "nm", 90.0))
    page.get_by_label("Drop a walk here").set_input_files(
        {"name": "walk.zip", "mimeType": "application/zip", "buffer": media}
    )
    page.get_by_role("button", name="Identify", exact=True).click()
    page.locator(".decision").wait_for()
    page.wait_for_load_state("networkidle")
    page.locator(".decision").evaluate(
        "place => scrollBy(0, place.getBoundingClientRect().top - 90)"
    )


def _subject(page: Page) -> None:
    page.get_by_role("link", name="eva-1").click()
    page.locator("#walks img").last.wait_for()
    # Decoded means shown; those further down are only asked for when they are looked at.
    page.locator("#walks img").evaluate_all(
        "(images) => Promise.all(images.map((one) =>"
        " { one.loading = 'eager'; return one.decode(); }))"
    )


def _gallery(page: Page) -> None:
    page.get_by_role("link", name=HALL).click()
    page.locator(".plot").wait_for()


def _point(page: Page) -> None:
    page.get_by_role("img", name="Kim (kim-1), walking to the right").hover()
    page.locator("#shown img").wait_for()
    page.wait_for_load_state("networkidle")


_STEPS: dict[str, Callable[[Page], None]] = {
    "identify": _identify,
    "subjects": _subject,
    "galleries": _gallery,
    "map": _point,
}
"""What is done on a page before its picture is taken."""


def _keep(admin: Visitor, name: str) -> None:
    """What is seen without scrolling, as small as PNG gets it."""
    path = admin.pictures / f"{name}.png"
    admin.page.screenshot(path=path)
    seen_hwc = cv2.imread(str(path))
    assert seen_hwc is not None
    # Five bits of each colour: nobody sees it, and the soft edges of letters pack better.
    coarse_hwc = np.minimum((seen_hwc.astype(np.int32) + 4) // 8 * 8, 255).astype(np.uint8)
    cv2.imwrite(str(path), coarse_hwc, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    size_bytes = path.stat().st_size
    sys.stdout.write(f"{path.name}: {size_bytes:,} bytes\n")
    if size_bytes > _MOST_BYTES:
        raise SystemExit(f"{path.name} is larger than {_MOST_BYTES:,} bytes")


if __name__ == "__main__":
    raise SystemExit(main())

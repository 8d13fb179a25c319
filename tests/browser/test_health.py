"""Health: what works, what waits, what the service is made of."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

pytestmark = pytest.mark.needs("chromium")


def test_an_operator_sees_that_it_works_what_waits_and_which_version_runs(admin: Visitor) -> None:
    admin.service.live.http.get("/subjects")  # answered 401, which is counted
    admin.goes_to("/console/health")
    checkpoint = admin.service.call("GET", "/readyz").json()["checkpoint"]
    expect(admin.page.locator("#state")).to_contain_text(
        f"ready{'Checkpoint that serves'}{checkpoint}"
    )
    expect(admin.page.locator("#queue dd")).to_have_text(["0", "0"])
    expect(admin.page.locator("#parts")).to_contain_text(f"Walkprint{version('walkprint')}")
    expect(admin.page.locator("#parts")).to_contain_text("this process")
    expect(admin.page.locator("#answers")).to_contain_text("Refused: not-signed-in")


def test_a_service_that_is_not_ready_says_why_and_recovers(admin: Visitor) -> None:
    """As when weights are being loaded: the answer is another service's, word for word."""
    problem = '{"title": "Not ready", "status": 503, "detail": "The encoder is being loaded."}'
    admin.page.route("**/readyz", lambda route: route.fulfill(status=503, body=problem))
    admin.goes_to("/console/health")
    expect(admin.page.locator("#state")).to_contain_text("The encoder is being loaded.")
    admin.page.unroute("**/readyz")
    expect(admin.page.locator("#state .match")).to_have_text("ready", timeout=15_000)


def test_who_runs_nothing_is_not_told_what_it_is_made_of(guest: Visitor) -> None:
    guest.signs_in("none")
    guest.goes_to("/console/health")
    expect(guest.page.locator("#queue dd")).to_have_text(["0", "0"])
    expect(guest.page.locator("#parts")).to_be_hidden()

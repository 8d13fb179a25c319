"""Jobs: what waits and runs, and the way to take it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from app.registry import Home
from tests.browser.service import HALL
from tests.browser.visitor import Visitor
from tests.enrolling import identify_job

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def waiting(admin: Visitor) -> Iterator[str]:
    """A job that waits for as long as the test likes: it is another instance's."""
    jobs = admin.service.live.registry.jobs
    job_id = jobs.add(identify_job(HALL), home=Home("elsewhere", timedelta(hours=1))).job.id
    yield job_id
    jobs.let_go([job_id], "elsewhere")


def test_a_job_that_waits_is_taken_back(admin: Visitor, waiting: str) -> None:
    page = admin.page
    admin.goes_to("/console/jobs")
    row = page.locator(f'tr[data-job="{waiting}"]')
    expect(row).to_contain_text("waits")
    # Another test may have enrolled "ada-again".
    enrolled = page.get_by_role("row").filter(has_text="Enrol · ada")
    expect(enrolled.last).to_contain_text("done")
    admin.looks_around("jobs-waiting")

    row.get_by_role("button", name="Take back").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("waits")
    row.get_by_role("button", name="Take back").click()
    page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(row).to_contain_text("The job was taken back")
    expect(row.get_by_role("button")).to_have_count(0)
    assert admin.service.live.registry.jobs.get(waiting).state == "failed"


def test_what_ends_meanwhile_is_shown_without_a_reload(admin: Visitor, waiting: str) -> None:
    page = admin.page
    admin.goes_to("/console/jobs")
    row = page.locator(f'tr[data-job="{waiting}"]')
    expect(row).to_contain_text("waits")
    admin.service.live.registry.jobs.cancel(waiting)
    expect(row).to_contain_text("failed")


def test_jobs_are_filtered_by_their_state(admin: Visitor, waiting: str) -> None:
    page = admin.page
    admin.goes_to("/console/jobs")
    page.get_by_label("State").select_option("waits")
    expect(page.locator("#jobs tr")).to_have_count(1)
    page.get_by_label("State").select_option("runs")
    expect(page.get_by_text("There are no such jobs.")).to_be_visible()


def test_who_could_have_asked_for_no_job_sees_none(guest: Visitor) -> None:
    guest.signs_in("reader")
    guest.goes_to("/console/jobs")
    expect(guest.page.get_by_text("There are no such jobs.")).to_be_visible()

"""The accuracy page shows what a checkpoint's own file says of it, figure by figure."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Context
from pathlib import Path

import pytest
from playwright.sync_api import expect

from model.checkpoint import default_checkpoint_path, load_checkpoint
from tests.browser.visitor import Visitor
from tests.other_checkpoints import other_checkpoint, written

_LIKE_A_BROWSER = Context(prec=3, rounding=ROUND_HALF_UP)
pytestmark = pytest.mark.needs("chromium")


def test_every_figure_of_the_shipped_checkpoint_is_shown(admin: Visitor) -> None:
    shipped = load_checkpoint(default_checkpoint_path())
    admin.goes_to("/console/accuracy")
    for picture in (
        "Right person among the first candidates, different views",
        "Errors of the one kind",
        "Known people missed, by strangers let through",
        "Known people missed when",
        "How many strangers reach a score",
    ):
        expect(admin.page.get_by_role("img", name=picture)).to_be_visible()
    shown = (admin.page.locator("#card").text_content() or "").replace("\u00a0", " ")
    for name, value in shipped.metrics["walkers"].items():
        if not isinstance(value, float):
            continue
        # Rates of verification are drawn as errors: one minus the rate.
        drawn = 1 - value if name.startswith("TAR") and name.endswith("view") else value
        assert (
            f"{_LIKE_A_BROWSER.create_decimal_from_float(drawn * 100).normalize():f} %" in shown
        ), name
    assert shipped.calibration.source in shown
    assert f"{shipped.training['people']:,}" in shown
    assert shipped.training["validation"] in shown
    expect(admin.page.get_by_text("This checkpoint carries no loss curve:")).to_be_visible()
    admin.looks_around("accuracy-shipped")


def test_the_shipped_checkpoint_shows_its_matrix_of_views(admin: Visitor) -> None:
    """Row by row as it was recorded, a view with itself included."""
    series = load_checkpoint(default_checkpoint_path()).metrics["walkers"]["series"]
    admin.goes_to("/console/accuracy")
    for condition, clothes in {
        "NM": "everyday clothes",
        "BG": "with a bag",
        "CL": "in a coat",
    }.items():
        rows = sorted(series[f"{condition} rank-1 by views"]["rows"])
        matrix = admin.page.get_by_role("region", name=f"from view to view, {clothes}")
        expect(matrix.get_by_role("row")).to_have_count(12)
        assert matrix.get_by_role("cell").all_text_contents() == [
            str(int(100 * rate + 0.5)) for _, _, rate in rows
        ]


def test_a_checkpoint_without_figures_says_so_and_shows_how_its_loss_fell(
    admin: Visitor, tmp_path: Path
) -> None:
    losses = [{"step": step, "loss": 5.0 / step} for step in range(1, 60)]
    other = replace(other_checkpoint(), training={"made_for": "a test", "losses": losses})
    file = tmp_path / "other.safetensors"
    file.write_bytes(written(other))
    with file.open("rb") as content:
        admin.service.call("POST", "/checkpoints", files={"checkpoint": content})
    try:
        admin.goes_to("/console/accuracy")
        admin.page.get_by_label("Checkpoint").select_option(other.checkpoint_id)
        expect(admin.page.get_by_text("This checkpoint carries no figures.")).to_be_visible()
        expect(admin.page.get_by_role("img", name="Loss during the training")).to_be_visible()
        expect(admin.page.locator("#card")).to_contain_text("made fora test")
        admin.looks_around("accuracy-other")
    finally:
        admin.service.live.registry.checkpoints.remove(other.checkpoint_id)

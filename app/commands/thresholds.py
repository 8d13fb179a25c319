"""`walkprint galleries calibrate` and the way back."""

from __future__ import annotations

from typing import Annotated

import typer

from app.client import Client
from app.client.threshold_calls import GalleryThresholds, TargetThreshold
from app.commands.options import DEFAULT_URL, AsJson, Url
from app.commands.output import notes, print_json, print_table

GalleryArgument = Annotated[str, typer.Argument(help="The gallery's name.")]


def calibrate(
    gallery: GalleryArgument,
    forget: Annotated[
        bool, typer.Option("--forget", help="Return to the checkpoint's thresholds.")
    ] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Measure thresholds on the gallery's own people; decisions use them from then on.

    \b
    Example:
      walkprint galleries calibrate office
    """
    with Client(url) as client:
        if forget:
            client.forget_calibration(gallery)
            notes.print("[green]Done.[/] The checkpoint's thresholds serve again.")
            return
        measured = client.calibrate_gallery(gallery)
    if as_json:
        print_json(measured.json)
        return
    notes.print(
        f"Measured on {measured.subjects} people, {measured.comparisons:,} comparisons of a walk"
        " with somebody else."
    )
    print_thresholds(measured)


def print_thresholds(measured: GalleryThresholds) -> None:
    """One row per target."""
    print_table(
        None,
        ("strangers who may pass", "threshold", "95 % interval", "own walks refused"),
        [
            (
                f"{100 * row.target_fpir:g} %",
                f"{row.threshold:.3f}",
                f"{row.lowest:.3f} to {row.highest:.3f}",
                _refused(row),
            )
            for row in measured.targets
        ],
    )


def _refused(row: TargetThreshold) -> str:
    if row.false_non_match_rate is None or row.false_non_match_interval is None:
        return "unknown: nobody has several walks"
    low, high = row.false_non_match_interval
    return f"{100 * row.false_non_match_rate:.1f} % ({100 * low:.1f} to {100 * high:.1f})"

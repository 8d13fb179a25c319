"""Writes the page, the same figures as JSON and CSV, and the pictures of the worst pairs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from model.evaluation_page.circumstances import Circumstances
from model.evaluation_page.page import html_page
from model.evaluation_page.pair_pictures import side_by_side
from model.evaluation_page.spreadsheets import curves_csv, figures_csv
from model.evaluation_report import EvaluationReport
from model.report_page.pictures import png

PAGE_FILE, JSON_FILE = "report.html", "report.json"
FIGURES_FILE, CURVES_FILE = "figures.csv", "curves.csv"
PICTURES_FOLDER = "worst-pairs"
_KINDS = ("false-accept", "false-reject")


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """What was written.

    Attributes:
        page: one HTML file that needs no other.
        figures: everything as JSON; then all figures, and all curves, as CSV.
        pictures: of the worst pairs, as PNG.
    """

    page: Path
    figures: tuple[Path, Path, Path]
    pictures: tuple[Path, ...]


def report_json(report: EvaluationReport, circumstances: Circumstances) -> dict[str, object]:
    """Everything as plain JSON values."""
    return {
        "checkpoint": circumstances.checkpoint,
        "circumstances": circumstances.to_json(),
        **report.to_json(),
    }


def write_report(
    report: EvaluationReport, circumstances: Circumstances, folder: Path
) -> ReportFiles:
    """Writes everything into a folder, which is made if it is missing.

    Pictures that an earlier report left there are removed: they belong to other figures, and may
    show people whom nobody asked for this time.

    Args:
        report: what was found.
        circumstances: what it ran on.
        folder: where to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = folder / PICTURES_FOLDER
    for kind in _KINDS:
        for old in pictures.glob(f"*{kind}-[0-9]*.png"):
            old.unlink()
    page = folder / PAGE_FILE
    page.write_text(html_page(report, circumstances), encoding="utf-8")
    as_json, figures, curves = (folder / name for name in (JSON_FILE, FIGURES_FILE, CURVES_FILE))
    as_json.write_text(
        json.dumps(report_json(report, circumstances), ensure_ascii=False, indent=2) + "\n",
        encoding="utf-8",
    )
    figures.write_text(figures_csv(report), encoding="utf-8")
    curves.write_text(curves_csv(report), encoding="utf-8")
    return ReportFiles(page, (as_json, figures, curves), _pictures(report, pictures))


def _pictures(report: EvaluationReport, folder: Path) -> tuple[Path, ...]:
    written = []
    for worst in report.worst_pairs:
        name = re.sub(r"[^a-z0-9]+", "-", worst.name.lower()).strip("-")
        for kind, pairs in zip(_KINDS, (worst.false_accepts, worst.false_rejects), strict=True):
            for number, pair in enumerate(pairs, start=1):
                folder.mkdir(exist_ok=True)
                path = folder / f"{name}-{kind}-{number}.png".removeprefix("-")
                path.write_bytes(png(side_by_side(pair)))
                written.append(path)
    return tuple(written)

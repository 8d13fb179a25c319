"""An evaluation for people: one page, the same figures as JSON and CSV, and the worst pairs as
pictures."""

from __future__ import annotations

from model.evaluation_page.circumstances import Circumstances
from model.evaluation_page.write import ReportFiles, report_json, write_report

__all__ = ["Circumstances", "ReportFiles", "report_json", "write_report"]

"""What the service sees in a recording, shown to the person who filmed it: one page, one video."""

from __future__ import annotations

from model.capture_report.sighting import Sighting, look
from model.capture_report.write import ReportFiles, write_report

__all__ = ["ReportFiles", "Sighting", "look", "write_report"]

"""Bulk enrolment: a folder of people, thousands of walks, and a report to take up again."""

from __future__ import annotations

from app.bulk.enrollment import BulkResult, enroll_walks, walks_due
from app.bulk.inventory import Inventory, WalkFile, take_inventory
from app.bulk.report import Line, Report, ReportInUse

__all__ = [
    "BulkResult",
    "Inventory",
    "Line",
    "Report",
    "ReportInUse",
    "WalkFile",
    "enroll_walks",
    "take_inventory",
    "walks_due",
]

"""Tables that lie beside a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable


def csv_text(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A table as CSV, its header first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)  # None becomes an empty cell
    return text.getvalue()

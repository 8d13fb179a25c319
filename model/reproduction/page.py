"""The report as one HTML file that needs no other: tables, figures, and what they ran on."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from model.reproduction.report import Figure, Label, ReproductionReport, Table

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #8886; }
th:first-child, td:first-child { text-align: left; }
th:last-child, td:last-child { font-style: italic; border-left: 2px solid #888; }
.ran-on { font-size: .85rem; opacity: .75; margin: .4rem 0; }
img { max-width: 100%; background: #fff; }
"""


def html_page(report: ReproductionReport, folder: Path) -> str:
    """Writes the page.

    Args:
        report: what was found.
        folder: where the figures' files lie; they are put into the page.
    """
    label = report.label
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Reproduction on {escape(label.dataset)}</title>",
        f"<style>{_STYLE}</style></head><body>",
        "<h1>Gait Recognition Based on Lightweight CNNs: the tables again</h1>",
        "<p>Everything here was measured in one run of <code>walkprint reproduce</code>, except the"
        " columns named <em>paper</em>, which are as the paper prints them. Two figures in such a"
        " column are of ResNet-50 and of L-ResNet-50.</p>",
        _label(label),
        *(_table(table, label) for table in report.tables),
        *(_figure(figure, label, folder) for figure in report.figures),
        *(f"<p>{escape(remark)}</p>" for remark in report.remarks),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _label(label: Label) -> str:
    reduced = "".join(f"<li>{escape(one)}</li>" for one in label.reduced)
    return (
        f"<p><strong>Ran on</strong> {escape(label.sentence)}. Walks {escape(label.fingerprint)},"
        f" torch {escape(label.torch)}.</p>"
        f"<p>Other than in the paper:</p><ul>{reduced}</ul>"
    )


def _table(table: Table, label: Label) -> str:
    header = "".join(f"<th>{escape(cell)}</th>" for cell in table.header)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row.cells()) + "</tr>"
        for row in table.rows
    )
    return (
        f"<h2>{escape(table.title)}</h2><p>{escape(table.note)}</p>"
        f'<div class="scroll"><table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>'
        f'</div><p class="ran-on">{escape(label.sentence)}</p>'
    )


def _figure(figure: Figure, label: Label, folder: Path) -> str:
    picture = base64.b64encode((folder / figure.file).read_bytes()).decode("ascii")
    return (
        f"<h2>{escape(figure.title)}</h2><p>{escape(figure.note)}</p>"
        f'<img alt="{escape(figure.title)}" src="data:image/png;base64,{picture}">'
        f'<p class="ran-on">{escape(label.sentence)}</p>'
    )

"""Fills the menu of the documentation: every decision, and pages `mkdocs.yml` does not name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DECISIONS = "decisions"


def on_config(config: Any) -> Any:
    """Adds a section of decisions, and one of pages that nobody has put into the menu yet.

    Args:
        config: MkDocs' own, whose `nav` is changed.
    """
    docs = Path(config["docs_dir"])
    listed = set(_listed(config["nav"]))
    decisions = [f"{_DECISIONS}/{page.name}" for page in sorted((docs / _DECISIONS).glob("*.md"))]
    others = sorted(
        page.relative_to(docs).as_posix()
        for folder in (docs, docs / "accuracy")
        for page in folder.glob("*.md")
    )
    forgotten = [page for page in others if page not in listed]
    if forgotten:
        config["nav"].append({"More": forgotten})
    config["nav"].append({"Decisions": decisions})
    return config


def _listed(entries: Any) -> Iterator[str]:
    """The pages a menu names, however deep."""
    if isinstance(entries, str):
        yield entries
    elif isinstance(entries, dict):
        for inner in entries.values():
            yield from _listed(inner)
    else:
        for inner in entries:
            yield from _listed(inner)

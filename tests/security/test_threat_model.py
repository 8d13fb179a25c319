"""docs/threat-model.md names what stands against each threat: this looks whether it is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.security import test_owasp_api_top10

_HOUSE = Path(__file__).parents[2]
_PAGE = (_HOUSE / "docs" / "threat-model.md").read_text()
_FILES = sorted(set(re.findall(r"`((?:app|model|tests|docker)/[\w./-]+)`", _PAGE)))
_PAGES = sorted(set(re.findall(r"\]\(([\w-]+\.md)\)", _PAGE)))


@pytest.mark.parametrize("file", _FILES)
def test_what_it_names_is_there(file: str) -> None:
    assert (_HOUSE / file).is_file()


@pytest.mark.parametrize("page", _PAGES)
def test_what_it_links_to_is_there(page: str) -> None:
    assert (_HOUSE / "docs" / page).is_file()


def test_every_threat_says_what_holds_it_and_what_remains() -> None:
    """Four cells, none of them empty; a dash is a claim as well."""
    rows = [line for line in _PAGE.split("## Threats")[1].splitlines() if line.startswith("| ")]
    threats = [row for row in rows if not row.startswith(("| threat |", "| --- |"))]
    assert len(threats) > 20
    for row in threats:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 4, row
        assert all(cells), row


def test_the_entries_of_the_top_10_that_it_cites_have_their_class() -> None:
    cited = set(re.findall(r"\bAPI\d+\b", _PAGE))
    assert len(cited) > 5
    for entry in cited:
        names = vars(test_owasp_api_top10)
        assert any(re.match(rf"Test{entry}[A-Z]", name) for name in names), entry

"""The documentation as pages: complete, without a dead link, asking no other host for anything."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY, build

# What a browser fetches by itself when it opens a page.
_FETCHED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}


class _Fetched(HTMLParser):
    """Collects the addresses that a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(_FETCHED.get(tag, ""))
        if address and ("rel", "canonical") not in attrs:
            self.addresses.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages, built without a warning."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    built = build(folder)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return folder


def test_every_page_of_the_repository_is_built_and_in_the_menu(site: Path) -> None:
    docs = REPOSITORY / "docs"
    sources = [page.relative_to(docs) for page in docs.rglob("*.md")]
    menu = (site / "index.html").read_text(encoding="utf-8")
    for source in sources:
        page = source.with_suffix(".html")
        if page.name == "README.html":
            page = page.with_name("index.html")
        assert (site / page).is_file(), source
        assert f'href="{page.as_posix()}"' in menu, f"{source} is not in the menu"


def test_pages_ask_no_other_host_for_anything(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    for page in pages:
        parser = _Fetched()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.addresses, page
        for address in parser.addresses:
            assert not re.match(r"(https?:)?//", address), f"{page.name} fetches {address}"
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"url\(['\"]?(https?:)?//", styles)


def test_dead_links_fail_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    shutil.copytree(REPOSITORY / "docs" / "site", docs / "site")
    # A menu of two pages is enough to try links.
    config = docs / "site" / "mkdocs.yml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text[: text.index("\nnav:")] + "\nnav: [index.md]\n", encoding="utf-8")
    (docs / "quality.md").write_text("# Quality\n", encoding="utf-8")
    fine = "[fine](quality.md#quality)"
    dead = ["[a](no-such-page.md)", "[b](quality.md#no-such-heading)", "[c](/index.md)"]
    (docs / "index.md").write_text("\n\n".join(["# Start", fine, *dead]), encoding="utf-8")
    built = build(tmp_path / "site", tmp_path)
    assert built.returncode == 1
    assert built.stderr.count("WARNING") == len(dead), built.stderr


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_of_the_front_pages_lead_to_files(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    targets = [
        target.split("#")[0]
        for target in re.findall(r"\]\(([^)\s]+)\)", text)
        if not target.startswith(("http:", "https:", "#"))
    ]
    assert targets
    for target in targets:
        assert (REPOSITORY / target).exists(), f"{page} leads to {target}"

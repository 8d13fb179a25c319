"""The console's files: all of them reach an installation, and every word is written down once."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from app.http.console import PAGES, Console, text_of
from tests.live_service import LiveService

_ROOT = Path(__file__).parents[3]
_FOLDER = _ROOT / "app" / "console"
_TEXTS = tomllib.loads((_FOLDER / "texts.toml").read_text(encoding="utf-8"))
# `say("a.b")`, also `say(flag ? "a.b" : "a.c")`; and families: `say(`a.b_${kind}`)` in scripts,
# `say("a.b_" ~ kind)` in templates.
_KEY = re.compile(r'"([a-z]+\.[a-z0-9_]*[a-z0-9])"')
_FAMILY = re.compile(r'say\((?:`([a-z]+)\.([a-z0-9_]*)\$\{|"([a-z]+)\.([a-z0-9_]*_)" ~)')


def _sources() -> dict[str, str]:
    files = [*(_FOLDER / "templates").iterdir(), *(_FOLDER / "static").glob("*.js")]
    return {path.name: path.read_text(encoding="utf-8") for path in files}


def test_an_installed_wheel_has_every_file_of_the_console() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["app"]
    packed = {path for pattern in patterns for path in (_ROOT / "app").glob(pattern)}
    there = {path for path in _FOLDER.rglob("*") if path.is_file()}
    assert len(there) > 10
    assert there <= packed


def test_every_text_that_is_said_is_written_and_every_written_one_is_said() -> None:
    written = {f"{section}.{name}" for section, names in _TEXTS.items() for name in names}
    source = "\n".join(_sources().values())
    said = {key for key in _KEY.findall(source) if key.partition(".")[0] in _TEXTS}
    said |= {f"{page.name}.{name}" for page in PAGES for name in ("nav", "title")}
    for match in _FAMILY.finditer(source):
        section, start = [group for group in match.groups() if group is not None]
        family = {key for key in written if key.startswith(f"{section}.{start}")}
        assert family, (section, start)
        said |= family
    assert said - written == set()
    assert written - said == set()


def test_no_page_has_a_script_or_a_style_within_it() -> None:
    console = Console(_FOLDER)
    for page in PAGES:
        html = console.page(page.name).body.decode()
        assert "<style" not in html
        assert " style=" not in html
        assert not re.search(r"\son[a-z]+=", html)
        assert re.findall(r"<script[^>]*>", html) == [
            f'<script type="module" src="/console/static/{page.name}.js">'
        ]


def test_what_is_filled_into_a_page_is_never_markup(tmp_path: Path) -> None:
    """Whatever a translator writes: it is text."""
    for folder in ("templates", "static"):
        (tmp_path / folder).mkdir()
    (tmp_path / "texts.toml").write_text('[docs]\ntitle = "<b>&</b>"\n', encoding="utf-8")
    (tmp_path / "templates" / "docs.html").write_text('<p>{{ say("docs.title") }}</p>')
    assert Console(tmp_path).page("docs").body == b"<p>&lt;b&gt;&amp;&lt;/b&gt;</p>"


def test_a_text_that_nobody_wrote_is_an_error() -> None:
    with pytest.raises(KeyError):
        text_of(_TEXTS, "frame.frobnicate")


def test_a_browser_loads_again_only_what_has_changed(service: LiveService) -> None:
    for path in (
        "/",
        "/docs",
        "/console/subjects",
        "/console/static/console.css",
        "/console/texts.json",
    ):
        first = service.http.get(path)
        assert first.status_code == 200
        again = service.http.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert "default-src 'none'" in again.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/console/nothing",
        "/console/base",
        "/console/static/nothing.js",
        "/console/static/texts.toml",
    ],
)
def test_what_is_no_page_and_no_file_of_one_is_not_found(service: LiveService, path: str) -> None:
    answer = service.http.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"

"""The console: which pages it has, its files, and its words, which all lie in one file."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.errors import NotFound
from app.registry.audit import ACTIONS
from app.registry.scopes import SCOPES, Scope

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_SAMPLE_TYPES = {".mp4": "video/mp4", ".zip": "application/zip"}


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """One page of the console. The service checks every call that a page makes; what is said here
    only spares people pages on which everything would be refused.

    Attributes:
        name: of its template, its script, and its section among the texts.
        path: where it is.
        scope: without which it is of no use; None for everybody who is known.
        everywhere: it is of no use to keys that are limited to galleries.
        is_public: it is shown to everybody.
        has_gallery: it is about one gallery, which is chosen at the top.
    """

    name: str
    path: str
    scope: Scope | None = None
    everywhere: bool = False
    is_public: bool = False
    has_gallery: bool = False


PAGES = (
    ConsolePage("identify", "/", "identify", has_gallery=True),
    ConsolePage("enrol", "/console/enrol", "enroll", has_gallery=True),
    ConsolePage("subjects", "/console/subjects", "subjects:read", has_gallery=True),
    ConsolePage("galleries", "/console/galleries", "subjects:read"),
    ConsolePage("map", "/console/map", "subjects:read", has_gallery=True),
    ConsolePage("accuracy", "/console/accuracy", "subjects:read"),
    ConsolePage("checkpoints", "/console/checkpoints", "subjects:read"),
    ConsolePage("jobs", "/console/jobs"),
    ConsolePage("keys", "/console/keys", "admin", everywhere=True),
    ConsolePage("audit", "/console/audit", "admin", everywhere=True),
    ConsolePage("health", "/console/health"),
    ConsolePage("docs", "/docs", is_public=True),
)
"""In the order of the navigation."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a browser is given.

    Attributes:
        body: its bytes.
        media_type: what they are.
    """

    body: bytes
    media_type: str

    @property
    def etag(self) -> str:
        """Names these bytes, so that a browser that has them need not load them again."""
        return f'"{sha256(self.body).hexdigest()[:16]}"'


class Console:
    """The console's pages, as they are sent. May be shared by threads.

    Args:
        folder: that holds `texts.toml`, `templates/` and `static/`; recordings to try lie in
            `samples/` beside it.
    """

    def __init__(self, folder: Path) -> None:
        self._texts = tomllib.loads((folder / "texts.toml").read_text(encoding="utf-8"))
        self._files = {path.name: path for path in (folder / "static").iterdir()}
        self._samples = {
            path.name: path
            for path in (folder.parent / "samples").glob("*")
            if path.suffix in _SAMPLE_TYPES
        }
        self._pages = {page.name: page for page in PAGES}
        self._templates = Environment(
            loader=FileSystemLoader(folder / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(self, name: str) -> Content:
        """A page by its name.

        Raises:
            NotFound: there is none.
        """
        page = self._pages.get(name)
        if page is None:
            raise NotFound
        html = self._templates.get_template(f"{name}.html").render(
            page=page,
            pages=PAGES,
            say=partial(text_of, self._texts),
            scopes=SCOPES,
            actions=ACTIONS,
        )
        return Content(html.encode(), "text/html; charset=utf-8")

    def file(self, name: str) -> Content:
        """A file that pages load.

        Raises:
            NotFound: there is none.
        """
        path = self._files.get(name)
        if path is None:
            raise NotFound
        return Content(path.read_bytes(), _MEDIA_TYPES[path.suffix])

    def sample(self, name: str) -> Content:
        """A recording to try the service with.

        Raises:
            NotFound: there is none.
        """
        path = self._samples.get(name)
        if path is None:
            raise NotFound
        return Content(path.read_bytes(), _SAMPLE_TYPES[path.suffix])

    def texts(self) -> Content:
        """All that the console says, for its scripts."""
        words = json.dumps(self._texts, ensure_ascii=False, separators=(",", ":"))
        return Content(words.encode(), "application/json")


def text_of(texts: dict[str, dict[str, str]], key: str) -> str:
    """A text by its key.

    Args:
        texts: by section and name.
        key: `section.name`.

    Raises:
        KeyError: nobody wrote it.
    """
    section, _, name = key.partition(".")
    return texts[section][name]

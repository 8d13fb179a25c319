"""A service with keys and a few generated people, for a browser to look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.registry import Registry
from app.registry.keys import NewKey
from app.registry.scopes import Scope
from app.settings import Settings
from tests.live_service import LiveService, live_service
from tests.walks import walk_zip

HALL = "hall"
"""The gallery in which everybody is."""
PEOPLE = {"ada": ("Ada Lovelace", 1), "bob": ("Bob", 2), "cleo": ("", 3)}
"""Subject id -> name, and the generated person who walks (tests/walks.py)."""
_KEYS: dict[str, tuple[tuple[Scope, ...], tuple[str, ...] | None]] = {
    "admin": (("admin",), None),
    "reader": (("subjects:read",), None),
    "guard": (("identify",), None),
    "admin of hall": (("admin",), (HALL,)),
    "none": ((), None),
}


@dataclass(frozen=True)
class PeopledService:
    """A running service in which somebody is enrolled.

    Attributes:
        live: the service.
        keys: the text of a key by its role.
    """

    live: LiveService
    keys: dict[str, str]

    def call(self, method: str, path: str, **options: object) -> httpx.Response:
        """A call as the administrator, who must be let in."""
        headers = {"Authorization": f"Bearer {self.keys['admin']}"}
        answer = self.live.http.request(method, path, headers=headers, **options)  # type: ignore[arg-type]
        return answer.raise_for_status()

    def enroll(self, subject: str, person: int, *, gallery: str, name: str = "") -> None:
        """Enrols two walks of a generated person."""
        walks = [("walk", (f"{n}.zip", walk_zip(person, walk=n))) for n in (1, 2)]
        data = {"subject": subject, "gallery": gallery, "name": name}
        self.call("POST", "/enroll", data=data, files=walks)


@contextmanager
def peopled_service(data: Path) -> Iterator[PeopledService]:
    """Makes the keys, starts the service, enrols everybody of `PEOPLE`."""
    settings = Settings(data=data, device="cpu", runtime="onnxruntime")
    registry = Registry.open(settings.resolved_database_url)
    registry.migrate()
    keys: dict[str, str] = {}
    for role, (scopes, galleries) in _KEYS.items():
        _, text = registry.keys.create(NewKey(role, scopes, galleries))
        assert text is not None
        keys[role] = text
    registry.close()
    with live_service(settings) as live:
        service = PeopledService(live, keys)
        for subject, (name, person) in PEOPLE.items():
            service.enroll(subject, person, gallery=HALL, name=name)
        yield service

"""What a client of the soak does: one mixed errand after the other, on people of its own.

Every errand checks its answer against what this client knows, so a lost enrolment, a subject that
came back or a stale name is an error, not a number.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.walks import walk_zip

GALLERY, ANNEX = "soak", "soak-annex"
_RECORDINGS = 24
_MOST_PEOPLE = 30
"""Of one client; beyond it somebody is erased before the next is enrolled."""


class Surprise(AssertionError):
    """The service answered something else than it should have."""


@dataclass
class Person:
    """Somebody this client enrolled.

    Attributes:
        subject: the id.
        recordings: which walks were enrolled, by number.
        name: as it was last set.
    """

    subject: str
    recordings: list[int]
    name: str | None = None


@dataclass
class Errands:
    """One client's people and the errands it can run.

    Attributes:
        http: to the service.
        client: number of this client, part of its subjects' ids.
        rng: decides what comes next.
        people: alive, in the order of their enrolment.
        made: how many people were ever enrolled.
    """

    http: httpx.Client
    client: int
    rng: random.Random
    people: list[Person] = field(default_factory=list)
    made: int = 0

    def run_one(self) -> str:
        """Runs one errand, most of them cheap; returns its name.

        Raises:
            Surprise: the answer was not what it must be.
        """
        name = self.rng.choices(_NAMES, _WEIGHTS)[0]
        if not self.people or (name in _ENROLS and len(self.people) >= _MOST_PEOPLE):
            name = "erase" if self.people else "enrol"
        _ERRANDS[name][1](self)
        return name

    def enrol(self) -> None:
        """A new person."""
        self.made += 1
        person = Person(f"{self._prefix}{self.made}", [self._recording()])
        answer = self._post("/enroll", {"subject": person.subject}, person.recordings[0], 201)
        self._expect(answer.json()["created"] is True, "a new subject was known", answer)
        self.people.append(person)

    def enrol_again(self) -> None:
        """One more walk of somebody."""
        person, recording = self._somebody(), self._recording()
        answer = self._post("/enroll", {"subject": person.subject}, recording, 201)
        self._expect(answer.json()["created"] is False, "a known subject was new", answer)
        person.recordings.append(recording)

    def identify(self) -> None:
        """A walk that was enrolled is found with its very score; everybody named is alive."""
        person = self._somebody()
        answer = self._post("/identify", {"top_k": "50"}, self.rng.choice(person.recordings), 200)
        candidates = answer.json()["candidates"]
        self._expect(candidates[0]["score"] > 0.999, "an enrolled walk was not found", answer)
        named = {row["subject"] for row in candidates if row["subject"].startswith(self._prefix)}
        alive = {each.subject for each in self.people}
        self._expect(named <= alive, "somebody who is gone was named", answer)

    def verify(self) -> None:
        """A claim that is true."""
        person = self._somebody()
        recording = self.rng.choice(person.recordings)
        answer = self._post("/verify", {"subject": person.subject}, recording, 200)
        self._expect(answer.json()["decision"] == "match", "a true claim was denied", answer)

    def erase(self) -> None:
        """Somebody goes, and is gone."""
        person = self.people.pop(self.rng.randrange(len(self.people)))
        path = f"/subjects/{person.subject}"
        answer = self._call("DELETE", path, 200, params={"gallery": GALLERY})
        walks = answer.json()["walks"]
        self._expect(walks == len(person.recordings), "other walks were erased", answer)
        self._call("GET", path, 404, params={"gallery": GALLERY})

    def rename(self) -> None:
        """Somebody gets a name."""
        person = self._somebody()
        person.name = f"Name {self.rng.randrange(10**6)}"
        self._call(
            "PATCH",
            f"/subjects/{person.subject}",
            200,
            params={"gallery": GALLERY},
            json={"name": person.name},
        )

    def look_up(self) -> None:
        """Somebody is as this client left them."""
        person = self._somebody()
        answer = self._call("GET", f"/subjects/{person.subject}", 200, params={"gallery": GALLERY})
        found = answer.json()
        self._expect(
            (found["name"], found["walks"]) == (person.name, len(person.recordings)),
            "a subject is not as it was left",
            answer,
        )

    def list_page(self) -> None:
        """A page of everybody."""
        limit = self.rng.choice((5, 50, 500))
        page = self._call("GET", "/subjects", 200, params={"gallery": GALLERY, "limit": limit})
        self._expect(len(page.json()["subjects"]) <= limit, "a page is too long", page)

    def search(self) -> None:
        """Somebody by id."""
        person = self._somebody()
        wanted = {"gallery": GALLERY, "search": person.subject, "limit": 500}
        answer = self._call("GET", "/subjects", 200, params=wanted)
        found = {row["subject"] for row in answer.json()["subjects"]}
        self._expect(person.subject in found, "a subject was not found by its id", answer)

    def see_walk(self) -> None:
        """A stored walk with its picture."""
        person = self._somebody()
        path = f"/subjects/{person.subject}/walks"
        walks = self._call("GET", path, 200, params={"gallery": GALLERY}).json()["walks"]
        picture = self._call("GET", f"/walks/{self.rng.choice(walks)['id']}/gei.png", 200)
        self._expect(picture.content[:4] == b"\x89PNG", "not a picture", picture)

    def ask_around(self) -> None:
        """What monitoring asks."""
        path = self.rng.choice(("/livez", "/readyz", "/metrics", "/galleries", "/openapi.json"))
        self._call("GET", path, 200)

    def send_rubbish(self) -> None:
        """An upload that nobody can read."""
        rubbish = self.rng.randbytes(2000)
        files = {"walk": ("walk.mp4", rubbish)}
        answer = self._call("POST", "/identify", 422, data={"gallery": GALLERY}, files=files)
        self._expect("type" in answer.json(), "a refusal without its reason", answer)

    def move_there_and_back(self) -> None:
        """Somebody goes to another gallery and comes back."""
        subject = self._somebody().subject
        for here, there in ((GALLERY, ANNEX), (ANNEX, GALLERY)):
            self._call(
                "POST",
                f"/subjects/{subject}/move",
                200,
                params={"gallery": here},
                json={"gallery": there},
            )

    def merge_and_undo(self) -> None:
        """Two people become one and two again."""
        if len(self.people) < 2:
            return
        one, other = self.rng.sample(self.people, 2)
        merged = self._call(
            "POST",
            f"/subjects/{one.subject}/merge",
            201,
            params={"gallery": GALLERY},
            json={"into": other.subject},
        )
        self._call("GET", f"/subjects/{one.subject}", 404, params={"gallery": GALLERY})
        self._call("POST", f"/merges/{merged.json()['id']}/undo", 200)

    @property
    def _prefix(self) -> str:
        return f"c{self.client}-"

    def _somebody(self) -> Person:
        return self.rng.choice(self.people)

    def _recording(self) -> int:
        return 700 + self.rng.randrange(_RECORDINGS)

    def _post(
        self, path: str, fields: dict[str, str], recording: int, expected: int
    ) -> httpx.Response:
        files = {"walk": ("walk.zip", walk_zip(recording))}
        return self._call("POST", path, expected, data={"gallery": GALLERY, **fields}, files=files)

    def _call(self, method: str, path: str, expected: int, **content: object) -> httpx.Response:
        answer = self.http.request(method, path, **content)  # type: ignore[arg-type]
        self._expect(answer.status_code == expected, f"{answer.status_code} to {method}", answer)
        return answer

    def _expect(self, holds: bool, otherwise: str, answer: httpx.Response) -> None:
        if not holds:
            raise Surprise(f"{otherwise} {answer.request.url}: {answer.text[:500]}")


_ERRANDS: dict[str, tuple[float, Callable[[Errands], None]]] = {
    "enrol": (1.0, Errands.enrol),
    "enrol again": (0.5, Errands.enrol_again),
    "identify": (2.0, Errands.identify),
    "verify": (0.5, Errands.verify),
    "erase": (1.0, Errands.erase),
    "rename": (6.0, Errands.rename),
    "look up": (30.0, Errands.look_up),
    "list": (14.0, Errands.list_page),
    "search": (8.0, Errands.search),
    "see a walk": (12.0, Errands.see_walk),
    "ask around": (12.0, Errands.ask_around),
    "rubbish": (0.5, Errands.send_rubbish),
    "move": (0.5, Errands.move_there_and_back),
    "merge": (0.5, Errands.merge_and_undo),
}
_NAMES = tuple(_ERRANDS)
_WEIGHTS = tuple(weight for weight, _ in _ERRANDS.values())
_ENROLS = {"enrol"}

"""The service's checkpoints: which are installed, which serves, and the way to another."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from app.client.connection import Connection

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An installed checkpoint. `here` says whether its weights can be loaded."""

    id: str
    active: bool
    here: bool
    installed_at: str
    walks_with_template: int
    walks_without_template: int
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> Checkpoint:
        return cls(
            id=str(json["id"]),
            active=bool(json["active"]),
            here=bool(json["here"]),
            installed_at=str(json["installed_at"]),
            walks_with_template=int(json["walks_with_template"]),
            walks_without_template=int(json["walks_without_template"]),
            json=json,
        )


@dataclass(frozen=True, slots=True)
class Reembedding:
    """Stored walks being embedded: running, paused, complete, cancelled or failed."""

    checkpoint: str
    state: str
    done: int
    refused: int
    total: int
    problem: Json | None
    json: Json = field(repr=False, compare=False)

    @property
    def is_finished(self) -> bool:
        """True once the state will not change any more."""
        return self.state not in {"running", "paused"}

    @classmethod
    def read(cls, json: Json) -> Reembedding:
        return cls(
            checkpoint=str(json["checkpoint"]),
            state=str(json["state"]),
            done=int(json["done"]),
            refused=int(json["refused"]),
            total=int(json["total"]),
            problem=json.get("problem"),
            json=json,
        )


@dataclass(frozen=True, slots=True)
class Switch:
    """What became of an activation: `active`, or `embedding` until all walks have passed."""

    checkpoint: str
    state: str
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> Switch:
        return cls(str(json["checkpoint"]), str(json["state"]), json)


class Checkpoints:
    """What a client can do with checkpoints; every method raises as those of `Client`.

    Args:
        connection: to the service.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Checkpoint]:
        """All installed ones."""
        rows = self._get("/checkpoints")["checkpoints"]
        return [Checkpoint.read(row) for row in rows]

    def get(self, checkpoint: str) -> Checkpoint:
        """One of them; `json` also says how many walks it can never embed."""
        return Checkpoint.read(self._get(_route(checkpoint)))

    def install(self, path: Path, *, idempotency_key: str | None = None) -> Checkpoint:
        """Sends a checkpoint file; it serves only after `activate`.

        Args:
            path: of a .safetensors file.
            idempotency_key: under one key the work is done once; a fresh one when None.

        Raises:
            OSError: the file cannot be read.
        """

        def opened_anew(opened: ExitStack) -> dict[str, object]:
            file = opened.enter_context(path.open("rb"))
            return {"files": {"checkpoint": (path.name, file, "application/octet-stream")}}

        response = self._connection.send(
            "POST",
            "/checkpoints",
            repeatable=True,
            body=opened_anew,
            headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        )
        return Checkpoint.read(response.json())

    def activate(self, checkpoint: str, *, accept_loss: bool = False) -> Switch:
        """Has a checkpoint serve, at once or when all stored walks have been embedded by it.

        Args:
            checkpoint: its id.
            accept_loss: also where some stored walks can never be embedded by it.
        """
        query = {"accept_loss": accept_loss}
        return Switch.read(self._post(f"{_route(checkpoint)}/activate", query))

    def roll_back(self, *, accept_loss: bool = False) -> Switch:
        """Goes back to the checkpoint that served before the present one."""
        return Switch.read(self._post("/checkpoints/rollback", {"accept_loss": accept_loss}))

    def remove(self, checkpoint: str) -> int:
        """Removes a checkpoint that does not serve; says how many templates went with it."""
        return int(self._connection.send("DELETE", _route(checkpoint)).json()["templates"])

    def reembedding(self, checkpoint: str) -> Reembedding:
        """How far the stored walks have been embedded by a checkpoint."""
        return Reembedding.read(self._get(f"{_route(checkpoint)}/reembedding"))

    def change_reembedding(
        self, checkpoint: str, action: Literal["pause", "resume", "cancel"]
    ) -> Reembedding:
        """Pauses, resumes or cancels it."""
        return Reembedding.read(self._post(f"{_route(checkpoint)}/reembedding/{action}", {}))

    def refused_walks(self, checkpoint: str) -> Iterator[tuple[str, str]]:
        """Id and reason of each stored walk that a checkpoint can never embed."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._get(f"{_route(checkpoint)}/refusals", {"cursor": cursor})
            yield from ((row["walk"], row["reason"]) for row in page["walks"])
            cursor = page.get("next")

    def _get(self, route: str, query: Json | None = None) -> Json:
        answer: Json = self._connection.send("GET", route, repeatable=True, params=query).json()
        return answer

    def _post(self, route: str, query: Json) -> Json:
        answer: Json = self._connection.send(
            "POST",
            route,
            repeatable=True,
            headers={"Idempotency-Key": str(uuid.uuid4())},
            params=query,
        ).json()
        return answer


def _route(checkpoint: str) -> str:
    return f"/checkpoints/{quote(checkpoint, safe='')}"

"""What an evaluation ran on: without it no figure can be compared or repeated."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from model.embedding_speed import EmbeddingSpeed


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What stands above the figures.

    Attributes:
        checkpoint: of the network.
        data: which walks, in words.
        real_people: whether these walks may be of people who live.
        command: that printed the report.
        date: of the run, YYYY-MM-DD in UTC.
        version: of Walkprint.
        runtime: what ran the network.
        device: where it ran.
        cores: of the machine.
        speed: of the network; None where nothing was embedded.
        seconds: from the start of the command to its figures.
    """

    checkpoint: str
    data: str
    real_people: bool
    command: str
    date: str
    version: str
    runtime: str
    device: str
    cores: int
    speed: EmbeddingSpeed | None
    seconds: float

    def to_json(self) -> dict[str, object]:
        """Plain JSON values; what could not be measured is null."""
        plain: dict[str, object] = json.loads(
            json.dumps(asdict(self)), parse_constant=lambda _not_a_number: None
        )
        return plain

"""Server-sent events of a job, put together from the lines that arrive."""

from __future__ import annotations

import json

from app.client.answers import Job


class EventReader:
    """Reads `GET /jobs/{job}/events` line by line (HTML Living Standard, section 9.2)."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def job_at(self, line: str) -> Job | None:
        """The job as an event tells of it, at the empty line that ends the event; else None.

        Args:
            line: without its end.
        """
        if line:
            # Comments keep the connection open; the event's name is the state, as in its data.
            field, _, value = line.partition(":")
            if field == "data":
                self._data.append(value.removeprefix(" "))
            return None
        data, self._data = "\n".join(self._data), []
        return Job.read(json.loads(data)) if data else None

"""What a piece of work is at, said in the terminal while somebody waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.client import Job
from app.commands.output import notes

_WORDS = {
    "capture": "finding the walker",
    "gei": "adding up the silhouettes",
    "encode": "measuring the gait",
    "search": "searching the gallery",
    "explain": "finding what the answer rests on",
    "store": "storing",
}


@contextmanager
def stages(doing: str) -> Iterator[Callable[[Job], None] | None]:
    """A spinner that says the stage; what to call with the job, or None where nobody looks.

    Args:
        doing: what is done, such as "Enrolling".
    """
    with notes.status(f"{doing}…") as status:

        def tell(job: Job) -> None:
            at = "waiting for its turn" if job.state == "queued" else _WORDS.get(job.stage or "")
            status.update(f"{doing}: {at}…" if at else f"{doing}…")

        # Into a file or a pipe nothing is told, so no news is asked for.
        yield tell if notes.is_terminal else None

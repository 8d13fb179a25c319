"""Enrols a folder of people, asks for a held-back walk of each, prints who was taken for whom.

    python docs/examples/confusion_table.py people/ --url http://127.0.0.1:8000

The folder holds <subject>/<walk>.mp4, .zip, .tar or a folder of frames, at least two walks of each.
Everybody is enrolled in a gallery of their own, which is removed at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections import Counter
from pathlib import Path

from app.client import AsyncClient, Client, WalkprintError

UNKNOWN, REFUSED = "unknown", "refused"


async def confusion(people: dict[str, list[Path]], url: str) -> Counter[tuple[str, str]]:
    """How often a walk of somebody was answered with somebody: (who it was, who was named)."""
    gallery = f"confusion-{uuid.uuid4().hex[:8]}"
    counts: Counter[tuple[str, str]] = Counter()
    at_once = asyncio.Semaphore(4)  # the service queues more, but has no more cores

    async def ask(walkprint: AsyncClient, person: str, walk: Path) -> None:
        async with at_once:
            try:
                answer = await walkprint.identify(walk, gallery=gallery)
            except WalkprintError as refused:
                print(f"{walk}: {refused}")
                counts[person, REFUSED] += 1
            else:
                counts[person, answer.subject or UNKNOWN] += 1

    async with AsyncClient(url) as walkprint:
        try:
            for person, walks in people.items():
                await walkprint.enroll(person, walks[:-1], gallery=gallery)
            await asyncio.gather(*(ask(walkprint, who, walks[-1]) for who, walks in people.items()))
        finally:
            with Client(url) as administration:
                administration.delete_gallery(gallery, with_everybody=True)
    return counts


def table(people: list[str], counts: Counter[tuple[str, str]]) -> str:
    """Rows are who it was, columns who was named."""
    named = [*people, *(name for name in (UNKNOWN, REFUSED) if any(n == name for _, n in counts))]
    width = max(len(name) for name in [*named, "was"]) + 2
    rows = [["was", *named]]
    rows += [[was, *(str(counts[was, name] or "·") for name in named)] for was in people]
    return "\n".join("".join(f"{cell:>{width}}" for cell in row) for row in rows)


def main() -> None:
    """Reads the command line, asks, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    asked = parser.parse_args()
    people = {
        folder.name: sorted(walk for walk in folder.iterdir() if not walk.name.startswith("."))
        for folder in sorted(asked.folder.iterdir())
        if folder.is_dir()
    }
    too_few = [name for name, walks in people.items() if len(walks) < 2]
    if too_few or not people:
        parser.error(
            f"two walks of everybody are needed; too few of: {', '.join(too_few) or 'all'}"
        )
    counts = asyncio.run(confusion(people, asked.url))
    print(table(list(people), counts))
    right = sum(count for (was, named), count in counts.items() if was == named)
    print(f"\n{right} of {sum(counts.values())} walks were given the right name.")


if __name__ == "__main__":
    main()

"""The queues of the broker. Messages carry ids; what a job is and how it ended stands in SQL."""

from __future__ import annotations

from typing import Final

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from pamqp.common import FieldTable

from app.registry.job import Priority

JOB_QUEUES: Final[dict[Priority, str]] = {
    "interactive": "walkprint.jobs.interactive",
    "bulk": "walkprint.jobs.bulk",
}
DEAD_JOBS: Final = "walkprint.jobs.dead"
"""Where a message goes that was delivered too often. No job is failed for it: attempts are counted
in SQL, and a service that reads it publishes it anew if the job still waits."""
ERRANDS: Final = "walkprint.errands"
"""Questions that a service asks whichever worker is free, and waits for the answer."""

# Far beyond the crashes after which SQL fails a job: innocent jobs die with a poisoned one, and
# each time a worker goes, what it had fetched ahead comes back as well.
_MOST_DELIVERIES = 100
_DURABLE: FieldTable = {"x-queue-type": "quorum"}
_JOBS: FieldTable = _DURABLE | {
    "x-delivery-limit": _MOST_DELIVERIES,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD_JOBS,
    # Moved with confirms, like everything else here; it asks for this way to overflow.
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


def replies_of(instance_id: str) -> str:
    """The queue by which a service hears that its jobs ended."""
    return f"walkprint.replies.{instance_id}"


REQUEST: Final = "walkprint-request"
"""The header of a job's message that names the call it belongs to, for logs."""


def request_in(message: AbstractIncomingMessage) -> str | None:
    """The id of the request that a job's message belongs to; None where it does not say."""
    request = message.headers.get(REQUEST)
    return request if isinstance(request, str) else None


async def declare_queues(channel: AbstractChannel) -> dict[str, AbstractQueue]:
    """Makes the queues where they are missing, and returns them by their names."""
    queues = {
        name: await channel.declare_queue(name, durable=True, arguments=_JOBS)
        for name in JOB_QUEUES.values()
    }
    queues[DEAD_JOBS] = await channel.declare_queue(DEAD_JOBS, durable=True, arguments=_DURABLE)
    queues[ERRANDS] = await channel.declare_queue(ERRANDS, durable=True)
    return queues


async def declare_replies(channel: AbstractChannel, name: str) -> AbstractQueue:
    """Makes a service's own queue, which goes with its connection."""
    return await channel.declare_queue(name, exclusive=True, auto_delete=True)

"""The service's side of the broker: takes jobs to the workers and hears how they ended."""

from __future__ import annotations

import asyncio
import heapq
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from app.errors import UnknownJob
from app.registry import Job, Registry
from app.telemetry import Metrics, speaking_of
from app.worker.broker.link import CONNECTION_ERRORS, Link
from app.worker.broker.topology import (
    DEAD_JOBS,
    ERRANDS,
    JOB_QUEUES,
    REQUEST,
    declare_queues,
    declare_replies,
    replies_of,
    request_in,
)
from app.worker.outcomes import Watchers

# A job that a worker gave back in SQL, and whose message should have come back by itself, is
# published once more after this.
_PUBLISH_AGAIN_SECONDS = 10.0
_CONFIRM_SECONDS = 10.0
_ASKED_AT_ONCE = 50
"""Jobs at most whose state one look asks for: two hundred would cost more than everything else that
a service at rest does. Ends are told by workers, so these are only those whose message was lost."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Sent:
    """A job of ours: its queue, the call it belongs to, when it was put, and when the broker was
    last handed its message, and when SQL was last asked how it stands."""

    queue: str
    trace: str | None
    request_id: str | None
    since: float
    at: float | None = None
    asked: float = 0.0


class Publisher:
    """A `JobQueue` whose workers are elsewhere.

    Args:
        url: of the broker.
        registry: where jobs live.
        instance_id: this process; names its queue of replies.
        watchers: woken when a job ends.
        metrics: of this process.
    """

    has_idle_thread = False

    def __init__(
        self, url: str, registry: Registry, instance_id: str, watchers: Watchers, metrics: Metrics
    ) -> None:
        self._registry = registry
        self._watchers = watchers
        self._metrics = metrics
        self._replies = replies_of(instance_id)
        self._lock = threading.Lock()
        self._sent: dict[str, _Sent] = {}
        self._channel: AbstractChannel | None = None
        self._asked: dict[str, asyncio.Future[bytes]] = {}
        self._errands = 0
        # The loop itself keeps no task alive.
        self._tasks: set[asyncio.Task[None]] = set()
        self._link = Link(url, self, metrics)

    @property
    def is_connected(self) -> bool:
        """Whether the broker can be reached."""
        return self._link.is_open

    @property
    def depth(self) -> int:
        """Jobs accepted here that have not ended."""
        return len(self._sent)

    def holds(self, job_id: str) -> bool:
        """Whether this process looks after the job."""
        return job_id in self._sent

    def start(self) -> None:
        """Begins to connect."""
        self._link.start()

    def close(self) -> None:
        """Leaves the broker; what was published is done all the same."""
        self._link.close()

    def put(self, job: Job) -> bool:
        """Publishes a job; while the broker is away, it is published when it comes back."""
        with self._lock:
            if job.id in self._sent:
                return False
            self._sent[job.id] = _Sent(
                JOB_QUEUES[job.priority], job.trace, job.request_id, monotonic()
            )
        self._metrics.jobs_waiting.inc()
        self._link.soon(self._publish_soon, job.id)
        return True

    def look(self) -> None:
        """Wakes whoever waits for a job whose end was not told, and publishes what was lost."""
        ours = self._least_lately_asked()
        watched = ours | self._watchers.earlier()
        if not watched:
            return
        standing = self._registry.jobs.unfinished(watched)
        for job_id in watched - standing.keys():
            self._ended(job_id)
        for job_id in ours & standing.keys():
            sent = self._sent.get(job_id)
            if sent is None:
                continue
            waits_for_anybody = standing[job_id]
            if sent.at is None or (
                waits_for_anybody and monotonic() - sent.at > _PUBLISH_AGAIN_SECONDS
            ):
                self._link.soon(self._publish_soon, job_id)

    def _least_lately_asked(self) -> set[str]:
        with self._lock:
            some = heapq.nsmallest(_ASKED_AT_ONCE, self._sent.items(), key=lambda job: job[1].asked)
        for _, sent in some:
            sent.asked = monotonic()
        return {job_id for job_id, _ in some}

    def ask(self, errand: bytes, seconds: float) -> Future[bytes]:
        """Has any worker do an errand.

        Args:
            errand: as JSON.
            seconds: after which nobody begins it any more.

        Returns:
            The answer to come; raises TimeoutError, or what CONNECTION_ERRORS holds.
        """
        return self._link.run(self._ask(errand, seconds))

    async def begin(self, connection: AbstractConnection, *, again: bool) -> None:
        """Opens a channel and publishes what waits."""
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        queues = await declare_queues(channel)
        replies = await declare_replies(channel, self._replies)
        await replies.consume(self._on_reply, no_ack=True)
        await queues[DEAD_JOBS].consume(self._on_dead)
        self._channel = channel
        if again:
            _log.info("publishing again what waits", jobs=len(self._sent))
        for job_id in list(self._sent):
            self._publish_soon(job_id)

    def lost(self) -> None:
        """Nothing can be published for now."""
        self._channel = None
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the broker went away"))

    def _publish_soon(self, job_id: str) -> None:
        sent = self._sent.get(job_id)
        with speaking_of(job_id, None if sent is None else sent.request_id):
            task = asyncio.get_running_loop().create_task(self._publish(job_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, job_id: str) -> None:
        sent, channel = self._sent.get(job_id), self._channel
        if sent is None or channel is None:
            return
        message = Message(
            job_id.encode(),
            headers={} if sent.request_id is None else {REQUEST: sent.request_id},
            delivery_mode=DeliveryMode.PERSISTENT,
            reply_to=self._replies,
        )
        try:
            await channel.default_exchange.publish(message, sent.queue, timeout=_CONFIRM_SECONDS)
        except CONNECTION_ERRORS as error:
            sent.at = None  # published again at the next look, or with the next connection
            _log.warning("a job was not published", reason=repr(error))
            return
        if sent.at is None:
            self._metrics.traces.past("publish", sent.trace, sent.since)
        sent.at = monotonic()
        self._metrics.jobs_published.labels(sent.queue).inc()

    async def _on_reply(self, message: AbstractIncomingMessage) -> None:
        if message.correlation_id is None:
            self._ended(message.body.decode())
            return
        answer = self._asked.get(message.correlation_id)
        if answer is not None and not answer.done():
            answer.set_result(message.body)

    async def _on_dead(self, message: AbstractIncomingMessage) -> None:
        """A message came back too often: SQL says whether anything is left to be done."""
        with speaking_of(message.body.decode(), request_in(message)):
            await self._revive(message)

    async def _revive(self, message: AbstractIncomingMessage) -> None:
        job_id = message.body.decode()
        try:
            job = await asyncio.to_thread(self._registry.jobs.get, job_id)
        except UnknownJob:
            await message.ack()
            return
        except Exception as error:  # the database is away: later
            _log.warning("a dead message waits", reason=repr(error))
            await asyncio.sleep(1.0)
            await message.nack(requeue=True)
            return
        if not job.finished:
            _log.warning("a message had been delivered too often; published anew")
            if not self.put(job):
                await self._publish(job_id)
        await message.ack()

    async def _ask(self, errand: bytes, seconds: float) -> bytes:
        channel = self._channel
        if channel is None:
            raise ConnectionError("the broker does not answer")
        self._errands += 1
        number = str(self._errands)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            message = Message(
                errand, correlation_id=number, reply_to=self._replies, expiration=seconds
            )
            await channel.default_exchange.publish(message, ERRANDS, timeout=_CONFIRM_SECONDS)
            return await asyncio.wait_for(answer, seconds)
        finally:
            del self._asked[number]

    def _ended(self, job_id: str) -> None:
        with self._lock:
            if self._sent.pop(job_id, None) is not None:
                self._metrics.jobs_waiting.dec()
        # The answer stands in SQL, where whoever waits reads it.
        self._watchers.announce(job_id, None)

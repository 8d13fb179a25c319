"""A worker's side of the broker: brings jobs to its threads, and acknowledges what is committed.

A message says which job to look at; SQL says what is to be done. One that was brought before, for a
job that runs, is the proof that its worker is lost: the broker takes messages back when the
connection of their worker ends, a few milliseconds after a kill. Not so when all connections ended
because the broker itself was away: then leases in SQL tell who lives.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from enum import Enum
from functools import partial
from time import monotonic

import structlog
from aio_pika import Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue

from app.errors import UnknownJob
from app.outages import outage_of
from app.registry import Job, Registry
from app.telemetry import Metrics, speaking_of
from app.worker.broker.errands import Errands
from app.worker.broker.link import CONNECTION_ERRORS, Link
from app.worker.broker.topology import ERRANDS, JOB_QUEUES, declare_queues, request_in
from app.worker.job_threads import JobThreads
from app.worker.outcomes import Outcome

# Interactive jobs fetched beyond those in hand: the thread that becomes free finds one of them
# here, and does not begin a bulk job while the broker brings it.
_WAITING_HERE = 2
# Looking a job up in SQL; more threads would only queue for the same database.
_LOOK_UP_THREADS = 4
# After the broker was away, its messages come back while their workers live: no proof meanwhile.
_NO_PROOF_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.5
_FLUSH_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class _Standing(Enum):
    """What is to be done with a message."""

    OVER = "acknowledge it and tell who waits"
    ELSEWHERE = "acknowledge it: another message brings the job's end"
    OURS = "keep it until the job ends here"
    LATER = "look at the job again"


class Consumer:
    """Takes messages for the threads of this process.

    Args:
        url: of the broker.
        registry: where jobs live.
        owner: the id of this process's instance.
        at_once: jobs that the threads have in hand.
        metrics: of this process.
    """

    def __init__(
        self,
        url: str,
        registry: Registry,
        *,
        owner: str,
        at_once: int,
        metrics: Metrics,
    ) -> None:
        self._registry = registry
        self._threads: JobThreads
        self._errands: Errands
        self._owner = owner
        self._at_once = at_once
        self._metrics = metrics
        self._look_ups = ThreadPoolExecutor(_LOOK_UP_THREADS, thread_name_prefix="look-up")
        self._channel: AbstractChannel | None = None
        self._consuming: list[tuple[AbstractQueue, str]] = []
        # Messages of jobs that are here; those of a lost connection come again by themselves.
        self._kept: defaultdict[str, list[AbstractIncomingMessage]] = defaultdict(list)
        self._no_proof_until = float("-inf")
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._link = Link(url, self, metrics)

    @property
    def is_connected(self) -> bool:
        """Whether the broker can be reached."""
        return self._link.is_open

    def start(self, threads: JobThreads, errands: Errands) -> None:
        """Begins to fetch.

        Args:
            threads: run the jobs, and announce their ends to `ended`.
            errands: does what services ask for between jobs.
        """
        self._threads = threads
        self._errands = errands
        self._link.start()

    def stop_fetching(self) -> None:
        """Takes no further jobs; those that were not begun go to other workers."""
        self._stopping = True
        if self._link.is_open:
            self._link.run(self._cancel()).result(_FLUSH_SECONDS)

    def close(self) -> None:
        """Acknowledges what has ended and leaves; the broker brings the rest to others."""
        if self._link.is_open:
            self._link.run(self._flush()).result(_FLUSH_SECONDS)
        self._link.close()
        self._look_ups.shutdown()

    def ended(self, job_id: str, outcome: Outcome | None) -> None:
        """A job left the threads; called from any of them, while it speaks of the job: what is done
        about it on the loop takes the words along."""
        self._link.soon(self._settle, job_id, outcome is not None)

    async def begin(self, connection: AbstractConnection, *, again: bool) -> None:
        """Fetches from both queues; interactive jobs overtake bulk ones in this process."""
        if again:
            self._no_proof_until = monotonic() + _NO_PROOF_SECONDS
        self._consuming = []
        channel = self._channel = await _channel_of(connection, self._at_once)
        # Errands take seconds: on a channel of their own, one at a time.
        errands = await _channel_of(connection, 1)
        queues = await declare_queues(channel)
        if self._stopping:
            return
        for priority, name in JOB_QUEUES.items():
            # RabbitMQ counts what is fetched per consumer, as it was set before it began.
            waiting = _WAITING_HERE if priority == "interactive" else 0
            await channel.set_qos(prefetch_count=self._at_once + waiting)
            tag = await queues[name].consume(self._on_job)
            self._consuming.append((queues[name], tag))
        asked = (await declare_queues(errands))[ERRANDS]
        self._consuming.append((asked, await asked.consume(self._on_errand)))

    def lost(self) -> None:
        """What runs goes on: its end is written to SQL, and the message that comes back is over."""
        self._channel = None
        self._consuming = []
        self._kept.clear()

    async def _on_job(self, message: AbstractIncomingMessage) -> None:
        redelivered = bool(message.redelivered)
        if redelivered:
            self._metrics.jobs_redelivered.inc()
        job_id = message.body.decode()
        # First, for the job may end before the look-up has returned.
        self._kept[job_id].append(message)
        with speaking_of(job_id, request_in(message)):
            await self._look(job_id)

    async def _on_errand(self, message: AbstractIncomingMessage) -> None:
        answer = await asyncio.to_thread(self._errands.do, message.body)
        try:
            if self._channel is not None and message.reply_to:
                await self._channel.default_exchange.publish(
                    Message(answer, correlation_id=message.correlation_id),
                    message.reply_to,
                    mandatory=False,
                )
            await message.ack()
        except CONNECTION_ERRORS as error:
            _log.warning("an answer was lost with the broker", reason=repr(error))

    async def _look(self, job_id: str) -> None:
        """Looks at a job whose message is kept until it is clear what to do with it."""
        loop = asyncio.get_running_loop()
        is_repeated = any(message.redelivered for message in self._kept.get(job_id, ()))
        is_proof = is_repeated and monotonic() > self._no_proof_until
        while job_id in self._kept and not self._stopping:
            standing = await loop.run_in_executor(
                self._look_ups,
                # An executor's threads do not know what is spoken of.
                partial(copy_context().run, self._standing, job_id, is_repeated, is_proof),
            )
            if standing is _Standing.OVER:
                await self._over(job_id)
            elif standing is _Standing.ELSEWHERE:
                await self._acknowledge(job_id)
            if standing is not _Standing.LATER:
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _standing(self, job_id: str, is_repeated: bool, is_proof: bool) -> _Standing:
        try:
            job = self._job(job_id, is_proof)
            if job.state == "queued":
                here = self._threads.put(job) or self._threads.holds(job_id)
                return _Standing.OURS if here else _Standing.LATER
            if job.finished:
                return _Standing.OVER
            if self._threads.holds(job_id):
                return _Standing.OURS
            # Elsewhere, by a message of its own; or here, and an outage hides its end.
            is_stranded = job_id in self._registry.jobs.leased_to(self._owner)
            return _Standing.LATER if is_repeated or is_stranded else _Standing.ELSEWHERE
        except UnknownJob:
            return _Standing.OVER  # erased meanwhile
        except Exception as error:  # the message is all that remembers the job here
            outage = outage_of(error)
            if outage is None:
                _log.exception("a job could not be looked at")
            return _Standing.LATER

    def _job(self, job_id: str, is_proof: bool) -> Job:
        """The job as it stands; taken from its worker where that is known to be lost."""
        jobs = self._registry.jobs
        job = jobs.get(job_id)
        if job.state != "running" or not is_proof or self._threads.holds(job_id):
            return job
        if job_id in jobs.leased_to(self._owner):
            return job
        _log.warning("a worker was lost; its job runs again", attempt=job.attempt)
        released = jobs.release_lost(job_id, job.attempt)
        self._metrics.jobs_crashed.inc(released.crashed)
        self._metrics.jobs_given_up.inc(len(released.failed))
        return jobs.get(job_id)

    def _settle(self, job_id: str, is_over: bool) -> None:
        # Not over: given back, or taken over by another worker; or a worker that was killed had
        # claimed it at the last moment.
        work = self._over(job_id) if is_over else self._look(job_id)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _acknowledge(self, job_id: str) -> list[AbstractIncomingMessage]:
        messages = self._kept.pop(job_id, [])
        for message in messages:
            try:
                await message.ack()
            except CONNECTION_ERRORS as error:
                # It comes again, and SQL says how the job stands.
                _log.info("a message was not acknowledged", reason=repr(error))
        return messages

    async def _over(self, job_id: str) -> None:
        """Acknowledges a job's messages and tells the services that wait for its end."""
        messages = await self._acknowledge(job_id)
        try:
            for waiting in {message.reply_to for message in messages if message.reply_to}:
                if self._channel is not None:
                    await self._channel.default_exchange.publish(
                        Message(job_id.encode()), waiting, mandatory=False
                    )
        except CONNECTION_ERRORS as error:
            # The services look for the ends of their jobs themselves, every second.
            _log.info("an end was not told", reason=repr(error))

    async def _cancel(self) -> None:
        consuming, self._consuming = self._consuming, []
        for queue, tag in consuming:
            await queue.cancel(tag)

    async def _flush(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _channel_of(connection: AbstractConnection, at_once: int) -> AbstractChannel:
    """A channel whose end is the end of its connection: the broker ends one whose message was not
    acknowledged for half an hour, and then everything is fetched anew."""
    channel = await connection.channel(publisher_confirms=False)
    await channel.set_qos(prefetch_count=at_once)

    async def end(*_: object) -> None:
        await connection.close()

    channel.close_callbacks.add(end)
    return channel

"""What workers behind a broker cost, and how soon they take over: `make bench-workers`.

RabbitMQ and PostgreSQL are real; the encoder is a pause of fixed length, so that many workers fit
on few cores. PostgreSQL's durability is off, as in the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from aio_pika import DeliveryMode, Message, connect
from aio_pika.abc import AbstractIncomingMessage

from app.settings import Settings
from app.worker.broker.topology import JOB_QUEUES, declare_queues, declare_replies, replies_of
from tests.broker.simulated import (
    SimulatedService,
    SimulatedWorker,
    settings_of,
    simulated_service,
    workers,
)
from tests.decoders import wait_until
from tests.rabbitmq import RabbitServer, rabbit_server
from tests.servers import postgres_server

# Of the simulated encoder, in the scaling table; a worker has one thread there.
_PAUSE_SECONDS = 0.25
_JOBS_EACH = 24
# Messages that the broker has not confirmed, or the taker not acknowledged.
_IN_FLIGHT = 200


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def takeovers_ms(
    service: SimulatedService, settings: Settings, url: str, trials: int
) -> list[float]:
    """Kills a worker that has a job in hand, again and again.

    Returns:
        Milliseconds from each kill until another worker has begun the job.
    """
    found = []
    with workers(settings, url, 2) as crew:
        for _ in range(trials):
            job_id = service.accept(seconds=0.3)
            wait_until(lambda: service.registry.jobs.counts()["running"] == 1, "it has begun")
            owner = next(
                w for w in crew if job_id in service.registry.jobs.leased_to(w.instance_id)
            )
            crew.append(SimulatedWorker(settings, url))
            killed_at = time.monotonic()
            owner.kill()
            service.wait()
            job = service.registry.jobs.get(job_id)
            assert job.result is not None
            assert job.attempt == 2
            found.append((float(str(job.result["begun"])) - killed_at) * 1000)
            crew.remove(owner)
            crew[-1].wait_until_ready()
    return found


def recoveries_ms(
    service: SimulatedService, settings: Settings, rabbit: RabbitServer, trials: int
) -> list[float]:
    """Restarts the broker while jobs wait, and accepts one more while it is away.

    Returns:
        Milliseconds from the moment in which the broker answers again until the job that was
        accepted in its absence has begun: service and worker have come back by then.
    """
    found = []
    with workers(settings, rabbit.url, 1):
        for _ in range(trials):
            for _ in range(20):
                service.accept(seconds=0.02)
            rabbit.stop()
            job_id = service.accept(seconds=0.0)
            rabbit.start()
            answers_at = time.monotonic()
            service.wait()
            result = service.registry.jobs.get(job_id).result
            assert result is not None
            found.append((float(str(result["begun"])) - answers_at) * 1000)
    return found


def jobs_per_second(
    service: SimulatedService,
    settings: Settings,
    url: str,
    count: int,
    *,
    seconds: float,
    threads: int = 1,
) -> float:
    """How many jobs some workers do, once they are all at work.

    Args:
        service: accepts the jobs.
        settings: of service and workers.
        url: of the broker.
        count: of workers.
        seconds: what the encoder takes.
        threads: of each worker.
    """
    with workers(settings, url, count, threads=threads):
        first = len(service.accepted)
        for _ in range(_JOBS_EACH * count):
            service.accept(seconds=seconds)
        ended = service.wait(600)[first:]
    finished = sorted(job.finished_at for job in ended if job.finished_at is not None)
    # Without the time in which the queue fills and the last ones run out.
    early, late = finished[count], finished[-count]
    return (len(finished) - 2 * count) / (late - early).total_seconds()


async def messages_per_second(url: str, count: int) -> float:
    """What the broker alone carries: a job's messages, without anything being done.

    Each is put into the quorum queue with a confirm, taken, acknowledged, and answered in a queue
    of replies, as `Publisher` and `Consumer` do it. Sender and receiver are this one process, whose
    own time counts: the broker's limit lies no lower.

    Args:
        url: of a broker whose queues are empty.
        count: of jobs.
    """
    connection = await connect(url)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = (await declare_queues(channel))[JOB_QUEUES["interactive"]]
        replies = await declare_replies(channel, replies_of("benchmark"))
        taker = await connection.channel(publisher_confirms=False)
        await taker.set_qos(prefetch_count=_IN_FLIGHT)
        answered = 0
        done = asyncio.Event()

        async def take(message: AbstractIncomingMessage) -> None:
            await message.ack()
            await taker.default_exchange.publish(Message(message.body), replies.name)

        async def hear(_: AbstractIncomingMessage) -> None:
            nonlocal answered
            answered += 1
            if answered == count:
                done.set()

        await replies.consume(hear, no_ack=True)
        await (await taker.get_queue(queue.name)).consume(take)
        room = asyncio.Semaphore(_IN_FLIGHT)

        async def put() -> None:
            async with room:
                body = str(uuid4()).encode()
                message = Message(body, delivery_mode=DeliveryMode.PERSISTENT)
                await channel.default_exchange.publish(message, queue.name)

        begun = time.monotonic()
        await asyncio.gather(*(put() for _ in range(count)))
        await done.wait()
        return count / (time.monotonic() - begun)


def main(arguments: list[str] | None = None) -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=50, help="workers to kill")
    parser.add_argument("--restarts", type=int, default=10, help="of the broker")
    parser.add_argument("--most", type=int, default=16, help="workers in the scaling table")
    parser.add_argument("--messages", type=int, default=10_000, help="for the broker's own limit")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_server() as postgres,
        rabbit_server() as rabbit,
    ):
        settings = settings_of(Path(folder), postgres.create_database())
        with simulated_service(settings, rabbit.url) as service:
            found = sorted(takeovers_ms(service, settings, rabbit.url, options.trials))
            _say(
                f"kill -9 of a worker, {len(found)} times: its job begins elsewhere after"
                f" {statistics.median(found):.0f} ms (median),"
                f" {found[math.ceil(0.99 * len(found)) - 1]:.0f} ms (99 %)"
            )
            back = recoveries_ms(service, settings, rabbit, options.restarts)
            _say(
                f"broker restarted, {len(back)} times: a job accepted in its absence begins"
                f" {statistics.median(back):.0f} ms (median), {max(back):.0f} ms (most)"
                " after it answers"
            )
            _say(f"\nworkers   jobs/s   of linear      (encoder: {_PAUSE_SECONDS * 1000:.0f} ms)")
            one = 0.0
            count = 1
            while count <= options.most:
                rate = jobs_per_second(service, settings, rabbit.url, count, seconds=_PAUSE_SECONDS)
                one = one or rate
                _say(f"{count:7}   {rate:6.1f}   {rate / (one * count):9.2f}")
                count *= 2
            limit = jobs_per_second(service, settings, rabbit.url, 16, seconds=0.0, threads=4)
            _say(f"\nlimit, an encoder that takes no time, 16 workers: {limit:.0f} jobs/s")
        carried = asyncio.run(messages_per_second(rabbit.url, options.messages))
        _say(f"limit of the broker alone, beside its one caller: {carried:.0f} jobs/s")


if __name__ == "__main__":
    main()

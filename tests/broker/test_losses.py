"""Whatever dies or goes away, every accepted job ends, and is applied once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aio_pika import Message, connect
from sqlalchemy import Connection, create_engine, text

from app.registry import NewJob
from app.settings import Settings
from app.worker.broker.topology import DEAD_JOBS, JOB_QUEUES, declare_queues
from app.worker.desk import Accepted, Desk
from tests.broker.simulated import (
    SimulatedService,
    SimulatedWorker,
    settings_of,
    simulated_service,
    workers,
)
from tests.broker.wire import wire_to
from tests.decoders import wait_until
from tests.rabbitmq import RabbitServer
from tests.servers import PostgresServer

pytestmark = pytest.mark.needs("rabbitmq-server")


@pytest.fixture
def settings(tmp_path: Path, postgres: PostgresServer) -> Iterator[Settings]:
    """Of the service and the workers of one test."""
    url = postgres.create_database()
    yield settings_of(tmp_path, url)
    postgres.drop_database(url)


@pytest.fixture
def service(settings: Settings, rabbit: RabbitServer) -> Iterator[SimulatedService]:
    """A service that publishes jobs."""
    with simulated_service(settings, rabbit.url) as made:
        yield made


def running(service: SimulatedService) -> int:
    """Jobs that somebody has begun."""
    return service.registry.jobs.counts()["running"]


def test_jobs_of_a_killed_worker_run_in_another(
    settings: Settings, service: SimulatedService, rabbit: RabbitServer
) -> None:
    """Only those it had begun are counted as having lost a worker."""
    with workers(settings, rabbit.url, 2) as (doomed, _):
        for number in range(16):
            service.accept(seconds=0.3, subject=f"p{number}")
        wait_until(lambda: running(service) == 8, "both work")
        doomed.kill()
        ended = service.wait()

    assert {job.state for job in ended} == {"succeeded"}
    assert sum(job.crashes for job in ended) == 4
    people = service.registry.subjects.list(gallery="default", limit=100).subjects
    assert [len(p.subject) > 0 for p in people].count(True) == 16
    assert all(service.registry.walks.list(p.subject, gallery="default") for p in people)


def test_the_poisoned_job_alone_is_failed(
    settings: Settings, service: SimulatedService, rabbit: RabbitServer
) -> None:
    """Its neighbours die with it once; from then on it dies alone."""
    innocent = [service.accept(seconds=1.0) for _ in range(3)]
    poisoned = service.accept(poison=True)
    innocent += [service.accept(seconds=0.05) for _ in range(6)]
    with workers(settings, rabbit.url, 1) as crew:
        until = time.monotonic() + 60
        while service.publisher.depth and time.monotonic() < until:
            if not crew[-1].is_running:  # what an orchestrator does
                crew.append(SimulatedWorker(settings, rabbit.url))
                crew[-1].wait_until_ready()
            time.sleep(0.02)
        ended = {job.id: job for job in service.wait(5)}
        died = sum(not worker.is_running for worker in crew)

    problem = ended[poisoned].problem
    assert problem is not None
    assert problem["type"] == "/problems/media-not-readable"
    assert problem["support_id"] == poisoned.replace("-", "")[:12]
    assert [ended[job_id].state for job_id in innocent] == ["succeeded"] * 9
    assert max(ended[job_id].crashes for job_id in innocent) <= 1
    assert died == 3


def test_a_restart_of_the_broker_loses_nothing(
    settings: Settings, service: SimulatedService, rabbit: RabbitServer
) -> None:
    """What is in flight ends and is not taken for lost; what is queued is done after it."""
    with workers(settings, rabbit.url, 2, threads=10):
        for number in range(220):
            service.accept(seconds=0.5 if number < 20 else 0.01, subject=f"p{number}")
        wait_until(lambda: running(service) == 20, "20 are in flight")
        rabbit.stop()
        late = [service.accept(seconds=0.01) for _ in range(5)]  # it is away: they wait
        rabbit.start()
        ended = service.wait(120)

    assert len(ended) == 225
    assert {job.state for job in ended} == {"succeeded"}
    assert sum(job.crashes for job in ended) == 0
    assert all(service.registry.jobs.get(job_id).state == "succeeded" for job_id in late)
    assert len(service.registry.subjects.list(gallery="default", limit=500).subjects) == 220


def test_a_restart_of_the_database_loses_nothing(
    settings: Settings, service: SimulatedService, rabbit: RabbitServer, postgres: PostgresServer
) -> None:
    with workers(settings, rabbit.url, 2):
        for number in range(60):
            service.accept(seconds=0.05, subject=f"p{number}")
        wait_until(lambda: running(service) > 0, "work has begun")
        postgres.stop()
        time.sleep(1.0)
        postgres.start()
        ended = service.wait(120)

    assert {job.state for job in ended} == {"succeeded"}
    assert sum(job.crashes for job in ended) == 0
    assert len(service.registry.subjects.list(gallery="default", limit=500).subjects) == 60


def test_a_worker_that_is_cut_off_from_the_broker_applies_its_job_once(
    settings: Settings, service: SimulatedService, rabbit: RabbitServer
) -> None:
    """The broker misses its heartbeats and has another worker take the job over."""
    with wire_to(rabbit.port) as wire, workers(settings, wire.url, 1, threads=1) as (cut_off,):
        service.accept(seconds=25.0, subject="walker")
        wait_until(lambda: running(service) == 1, "it has begun")
        with workers(settings, rabbit.url, 1) as (other,):
            wire.cut()
            (job,) = service.wait(90)

    assert job.state == "succeeded"
    assert job.result is not None
    assert job.result["pid"] in {cut_off.pid, other.pid}
    assert len(service.registry.walks.list("walker", gallery="default")) == 1


def test_a_worker_that_is_told_to_stop_ends_its_jobs_and_leaves_the_rest(
    settings: Settings, service: SimulatedService, rabbit: RabbitServer
) -> None:
    with workers(settings, rabbit.url, 1) as crew:
        for _ in range(20):
            service.accept(seconds=0.3)
        wait_until(lambda: running(service) == 4, "four are in hand")
        crew[0].tell_to_stop()
        wait_until(lambda: not crew[0].is_running, "it stopped")
        left = [job for job in service.jobs() if not job.finished]
        assert {job.state for job in left} == {"queued"}
        assert len(left) == 16
        crew.append(SimulatedWorker(settings, rabbit.url))
        ended = service.wait()

    assert {job.state for job in ended} == {"succeeded"}
    assert sum(job.crashes for job in ended) == 0


def test_interactive_jobs_overtake_bulk_ones(
    settings: Settings, service: SimulatedService, rabbit: RabbitServer
) -> None:
    bulk = [service.accept(seconds=0.1, priority="bulk") for _ in range(12)]
    interactive = [service.accept(seconds=0.1) for _ in range(16)]
    with workers(settings, rabbit.url, 1, threads=2):
        ended = {job.id: job for job in service.wait()}

    def begun(job_id: str) -> float:
        result = ended[job_id].result
        assert result is not None
        return float(str(result["begun"]))

    # The first two may have come before the other queue was heard.
    waited = sorted(begun(job_id) for job_id in bulk)[2:]
    assert max(begun(job_id) for job_id in interactive) < min(waited)


def test_a_message_of_a_job_that_runs_elsewhere_ends_nobodys_wait(
    settings: Settings, service: SimulatedService, rabbit: RabbitServer
) -> None:
    """It is a second one, or its worker died right after the claim; the job is not over."""
    job_id = service.accept(seconds=0.01)
    service.registry.jobs.claim(job_id, owner="elsewhere", lease_seconds=30)
    with workers(settings, rabbit.url, 1):
        time.sleep(2.0)  # the message is looked at, and nothing is to be seen of it
        assert service.publisher.holds(job_id)
        service.registry.jobs.release_owner("elsewhere")
        (job,) = service.wait()

    assert (job.state, job.attempt) == ("succeeded", 2)


def test_ends_that_nobody_told_are_found_a_share_at_each_look(
    service: SimulatedService, rabbit: RabbitServer
) -> None:
    held = [service.accept(seconds=0.01) for _ in range(120)]
    service.sweep.close()  # this test looks
    for job_id in held:
        service.registry.jobs.cancel(job_id)

    left = []
    for _ in range(3):
        service.publisher.look()
        left.append(service.publisher.depth)

    assert left == [70, 20, 0]


def test_a_caller_whose_job_is_slow_to_be_accepted_gets_its_answer(
    settings: Settings, service: SimulatedService, rabbit: RabbitServer
) -> None:
    """The service looks for the ends of jobs while this one is not in the registry yet."""
    desk = Desk(
        registry=service.registry,
        storage=service.foundation.storage,
        queue=service.publisher,
        sweep=service.sweep,
        watchers=service.watchers,
        owner=service.foundation.instance.id,
        lease_seconds=30.0,
        most_jobs=10,
    )
    new_job = NewJob("identify", "default", None, {"seconds": 0.05}, ())

    async def call() -> Accepted:
        engine = create_engine(str(settings.database_url))
        with engine.connect() as other:
            other.execute(text("LOCK TABLE jobs IN SHARE MODE"))  # nobody adds, everybody reads
            called = asyncio.create_task(desk.accept(new_job, idempotency=None, wait_seconds=30))
            await asyncio.to_thread(
                wait_until, lambda: _waits_to_add(other), "it waits to be added"
            )
            await asyncio.to_thread(service.publisher.look)
            other.rollback()
        engine.dispose()
        return await called

    with workers(settings, rabbit.url, 1):
        accepted = asyncio.run(call())
    desk.close()

    assert accepted.outcome is not None
    assert accepted.outcome.result is not None


def _waits_to_add(other: Connection) -> bool:
    """Whether somebody's new job waits for the table that this connection has locked."""
    # Who is doing what stays as it was at a transaction's first look, unless it is told to forget.
    other.execute(text("SELECT pg_stat_clear_snapshot()"))
    waiting = text(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE relation = 'jobs'::regclass AND NOT granted AND query LIKE 'INSERT INTO jobs %'"
    )
    found: int = other.execute(waiting).scalar_one()
    return found == 1


def test_a_message_that_was_delivered_too_often_comes_back(
    settings: Settings, service: SimulatedService, rabbit: RabbitServer
) -> None:
    """The dead-letter queue is read by services: SQL, and not the broker, gives a job up."""
    job_id = service.accept(seconds=0.01)
    asyncio.run(_bury(rabbit, job_id))
    with workers(settings, rabbit.url, 1):
        (job,) = service.wait()

    assert job.state == "succeeded"


async def _bury(rabbit: RabbitServer, job_id: str) -> None:
    """Moves a job's message to where the broker would put it in the end."""
    async with await connect(rabbit.url) as connection:
        channel = await connection.channel()
        queue = (await declare_queues(channel))[JOB_QUEUES["interactive"]]
        message = await queue.get(timeout=10)
        assert message.body.decode() == job_id
        await channel.default_exchange.publish(Message(message.body), DEAD_JOBS)
        await message.ack()

"""Who does the work: threads of this process, or workers elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from app.registry import IdempotencyKey
from app.registry.gallery_thresholds import GalleryThresholds
from app.settings import Settings
from app.telemetry import Metrics
from app.worker.checkpoint_desk import Install
from app.worker.foundation import Foundation
from app.worker.job_threads import Announce, JobThreads
from app.worker.loader import Loader, OnReady
from app.worker.outcomes import Watchers
from app.worker.queue import JobQueue
from app.worker.sweep import Sweep

# Jobs in hand per capture thread: the others wait for the encoder, where batches form.
_THREADS_PER_WORKER = 8
_MOST_THREADS = 64
# Seconds that a stopping process gives to running jobs.
_DRAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Hands:
    """What the service has of those who do its work.

    Attributes:
        queue: takes jobs to them.
        sweep: looks after jobs that were lost on the way; started.
        checkpoint: the id of the weights that serve, None until a forward pass has been made;
            raises NotReady when they cannot be loaded.
        calibrate: measures a gallery's thresholds; raises NotReady while the weights load.
        install: reads a checkpoint file, makes sure that it can be run, and installs it.
        shipped: the id of the checkpoint in this package; None while it is read.
    """

    queue: JobQueue
    sweep: Sweep
    checkpoint: Callable[[], str | None]
    calibrate: Callable[[str], GalleryThresholds]
    install: Install
    shipped: Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Workshop:
    """The threads of a process that does work itself, and what belongs to them."""

    threads: JobThreads
    sweep: Sweep
    loader: Loader


def open_workshop(
    settings: Settings,
    foundation: Foundation,
    metrics: Metrics,
    stack: ExitStack,
    *,
    announce: Announce,
    takes_orphans: bool,
    on_failure: Callable[[Exception], None] | None,
    on_ready: OnReady | None = None,
) -> Workshop:
    """Starts what runs jobs in this process; the stack stops it.

    Args:
        settings: how many threads, and what recognition needs.
        foundation: what the process stands on.
        metrics: of this process.
        stack: closes what is opened.
        announce: told how each job ended.
        takes_orphans: whether jobs that wait for anybody are taken from the registry.
        on_failure: told, in a thread of its own, when recognition cannot be loaded.
        on_ready: told, in a thread of its own, when the threads run jobs.
    """
    registry, instance = foundation.registry, foundation.instance
    threads = JobThreads(
        registry,
        foundation.storage,
        owner=instance.id,
        lease_seconds=settings.lease_seconds,
        threads=job_threads(settings),
        metrics=metrics,
        announce=announce,
    )
    sweep = Sweep(
        registry=registry,
        instance=instance,
        storage=foundation.storage,
        queue=threads,
        lease_seconds=settings.lease_seconds,
        keep_jobs=timedelta(hours=settings.keep_jobs_hours),
        metrics=metrics,
        takes_orphans=takes_orphans,
    )
    loader = Loader(settings, foundation, threads, sweep, metrics, on_failure, on_ready)
    stack.callback(loader.close)
    # What still waits here loses its home: whoever comes next may take it.
    stack.callback(registry.jobs.release_owner, instance.id)
    stack.callback(threads.close, _DRAIN_SECONDS)
    sweep.start()
    stack.callback(sweep.close)
    return Workshop(threads, sweep, loader)


def job_threads(settings: Settings) -> int:
    """Jobs in hand at the same time."""
    return min(settings.workers * _THREADS_PER_WORKER, _MOST_THREADS)


def own_hands(
    settings: Settings,
    foundation: Foundation,
    metrics: Metrics,
    watchers: Watchers,
    stack: ExitStack,
    on_failure: Callable[[Exception], None] | None,
) -> Hands:
    """Has the threads of this process do the work."""
    workshop = open_workshop(
        settings,
        foundation,
        metrics,
        stack,
        announce=watchers.announce,
        takes_orphans=True,
        on_failure=on_failure,
    )

    def install(upload: str, filename: str, key: IdempotencyKey | None) -> tuple[str, bool]:
        # Imported here, for it takes ONNX Runtime along.
        from app.worker.checkpoint_files import install_upload  # noqa: PLC0415

        return install_upload(foundation.registry, foundation.storage, upload, filename, key)

    return Hands(
        queue=workshop.threads,
        sweep=workshop.sweep,
        checkpoint=workshop.loader.checkpoint,
        calibrate=workshop.loader.calibrate,
        install=install,
        shipped=workshop.loader.shipped,
    )

"""Work that is spread over processes, with a progress bar."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import cv2
from rich.console import Console

from model.progress import progress_bars


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work whose result lies on disk.

    Attributes:
        run: does it; crosses to another process, so it must be picklable.
        units: how far it moves the progress bar.
    """

    run: Callable[[], None]
    units: int


def run_all(
    tasks: Sequence[Task],
    *,
    processes: int,
    title: str,
    unit: str,
    done: int = 0,
    console: Console | None = None,
) -> None:
    """Runs every task; the first that fails ends the others that have not begun.

    Args:
        tasks: in any order.
        processes: at most; 1 works in this process.
        title: of the progress bar.
        unit: what the bar counts.
        done: units that were done before.
        console: where the bar is drawn; None draws none.
    """
    with progress_bars(console, unit) as progress:
        bar = progress.add_task(
            title, total=done + sum(task.units for task in tasks), completed=done
        )
        if processes == 1 or len(tasks) <= 1:
            for task in tasks:
                task.run()
                progress.advance(bar, task.units)
            return
        # Spawned, not forked: a fork of a process with torch or OpenCV threads can hang.
        with ProcessPoolExecutor(
            min(processes, len(tasks)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_be_quiet,
        ) as pool:
            futures = {pool.submit(task.run): task.units for task in tasks}
            try:
                for future in as_completed(futures):
                    future.result()
                    progress.advance(bar, futures[future])
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _be_quiet() -> None:
    """One thread per worker process: there is one process per core already."""
    cv2.setNumThreads(1)

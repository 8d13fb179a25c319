"""What a training says while it runs: a CSV, TensorBoard where it is installed, a progress bar."""

from __future__ import annotations

import csv
import importlib
import importlib.util
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

EVERY_STEPS = 20  # a row each
CURVE_POINTS = 80  # of the loss, for a picture


@dataclass(frozen=True, slots=True)
class StepFigures:
    """One row of the log.

    Attributes:
        step: steps done.
        seconds: of training so far, over all parts of an interrupted run.
        rate: learning rate.
        loss: cross-entropy and the triplet loss by its weight.
        cross_entropy: of the batch, in nats.
        triplet: loss of the batch before its weight; 0 where the recipe leaves it out.
        batch_accuracy: share of the batch that the classifier gets right.
        images_per_second: since this process took the run up.
    """

    step: int
    seconds: float
    rate: float
    loss: float
    cross_entropy: float
    triplet: float
    batch_accuracy: float
    images_per_second: float


class TrainLog:
    """Writes `log.csv`, and `tensorboard/` where that package is installed; draws the bar.

    Rows after the resumed step are dropped, since they will be written again.

    Args:
        folder: of the run.
        steps: of the whole run.
        after_step: where the run is taken up.
        console: where the progress bar is drawn; None draws none.
    """

    def __init__(
        self, folder: Path, *, steps: int, after_step: int, console: Console | None
    ) -> None:
        self._path = folder / "log.csv"
        self._drop_rows(after_step)
        self._writer = _tensorboard_writer(folder / "tensorboard", after_step)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} steps"),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=console is None,
        )
        self._bar = self._progress.add_task(
            "training", total=steps, completed=after_step, figures=""
        )

    def __enter__(self) -> TrainLog:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()
        if self._writer is not None:
            self._writer.close()

    def write(self, figures: StepFigures) -> None:
        """Adds one row everywhere."""
        row = {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in asdict(figures).items()
        }
        self._append([row])
        if self._writer is not None:
            for name, value in row.items():
                if name != "step":
                    self._writer.add_scalar(name, value, figures.step)
        self._progress.update(
            self._bar,
            completed=figures.step,
            figures=f"loss {figures.loss:.3f}"
            f" · {figures.batch_accuracy:.0%} right"
            f" · {figures.images_per_second:.0f} images/s",
        )

    def _append(self, rows: list[dict[str, Any]]) -> None:
        is_new = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8") as file:
            for row in rows:
                writer = csv.DictWriter(file, list(row))
                if is_new:
                    writer.writeheader()
                    is_new = False
                writer.writerow(row)

    def _drop_rows(self, after_step: int) -> None:
        if not self._path.exists():
            return
        with self._path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if int(row["step"]) <= after_step]
        self._path.unlink()
        self._append(rows)


def loss_curve(folder: Path) -> list[dict[str, float]]:
    """Some rows of a run's log, evenly spaced, both ends included: what a checkpoint keeps.

    Args:
        folder: of the run.

    Returns:
        `step` and `loss`, at most `CURVE_POINTS` times; nothing where there is no log.
    """
    path = folder / "log.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            {"step": int(row["step"]), "loss": float(row["loss"])} for row in csv.DictReader(file)
        ]
    steps = np.linspace(0, len(rows) - 1, min(len(rows), CURVE_POINTS)).round().astype(int)
    return [rows[step] for step in steps.tolist()]


def _tensorboard_writer(folder: Path, after_step: int) -> Any:
    """A `SummaryWriter`, or None without the package (`pip install walkprint[train]`)."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    tensorboard = importlib.import_module("torch.utils.tensorboard")
    return tensorboard.SummaryWriter(str(folder), purge_step=after_step + 1)

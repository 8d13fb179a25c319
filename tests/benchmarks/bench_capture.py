"""How well and how fast walkers are cut out of recordings: `make bench-capture`.

    python -m tests.benchmarks.bench_capture [--kth DIR] [--clip FILE] [--scenes WORD] [--no-speed]

Rendered scenes have a known truth (see `tests.scenes`); they are filmed once and kept under
`runs/scenes`. Real clips have none: what is printed of them is which passes became walks, and
whether the shipped weights know the walker again. Speed is counted in CPU seconds of one core,
beside the decoder's own, because the machine is seldom ours alone.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from model.capture import capture_recording
from model.refusals import WalkRefused
from tests.benchmarks import bench_sandbox
from tests.benchmarks.capture_real import print_one_clip, print_real_clips
from tests.benchmarks.capture_scoring import SceneScore, refused_score, score
from tests.benchmarks.capture_speed import (
    FULL_HD,
    VGA,
    lengthened,
    peak_mebibytes,
    speed,
    use_one_core,
)
from tests.scenes import SCENES, Scene, record

KEPT = Path("runs/scenes")
_TARGETS = {"plain": 0.92, "hard": 0.85}
_SPEED_TARGETS = {FULL_HD: 2.0, VGA: 8.0}
_LENGTHS = (1, 6, 18)
"""Times ten seconds: the first fits into one window of frames, the last takes a dozen."""


def main() -> None:
    """Runs what was asked for and prints the tables."""
    if "OMP_NUM_THREADS" not in os.environ:
        # The libraries read it when they are loaded.
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.benchmarks.bench_capture", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **threads})  # noqa: S606 (ourselves)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kth", type=Path, help="folder of KTH walking clips")
    parser.add_argument("--clip", type=Path, help="one more real clip, to see who is found")
    parser.add_argument("--scenes", default="", help="only scenes with this word in the name")
    parser.add_argument("--no-speed", action="store_true", help="leave out speed and memory")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each timing")
    parser.add_argument("--core", type=int, default=1, help="the one that everything runs on")
    asked = parser.parse_args()
    use_one_core(asked.core)
    console = Console(width=150)
    _print_scenes([one for one in SCENES if asked.scenes in one.name], console)
    if not asked.no_speed:
        _print_speed(asked.rounds, console)
        _print_memory(console)
        bench_sandbox.main()
    if asked.kth:
        print_real_clips(asked.kth, console)
    if asked.clip:
        print_one_clip(asked.clip, console)


def _print_scenes(scenes: Sequence[Scene], console: Console) -> None:
    table = Table(title="Rendered scenes, known truth")
    table.add_column("scene")
    for name in (
        "mean IoU",
        "worst tenth",
        "frames covered",
        "passes found",
        "with a GEI",
        "false walks",
        "another's number",
        "renumbered",
        "× real time, once decoded",
    ):
        table.add_column(name, justify="right")
    for level in ("plain", "hard"):
        scores = []
        for scene in scenes:
            if scene.level == level:
                scored, pace = _scored(scene)
                scores.append(scored)
                table.add_row(*_row(scene.name, scored), f"{pace:.1f}")
        if scores:
            name = f"all {level} (target {_TARGETS[level]})"
            table.add_row(*_summary(name, scores), "", style="bold", end_section=True)
    console.print(table)


def _scored(scene: Scene) -> tuple[SceneScore, float]:
    recorded = record(scene, KEPT)
    start = time.process_time()
    try:
        scored = score(recorded, capture_recording([recorded.clip]))
    except WalkRefused as refusal:
        scored = refused_score(recorded, refusal.code)
    return scored, scene.seconds / (time.process_time() - start)


def _row(name: str, scored: SceneScore) -> tuple[str, ...]:
    if scored.refused:
        return (
            f"{name}: {scored.refused}",
            "–",
            "–",
            "0 %",
            *(f"0 / {scored.passes}",) * 2,
            *("–",) * 3,
        )
    tenth = np.sort(scored.overlaps_n)[: max(1, len(scored.overlaps_n) // 10)]
    return (
        name,
        f"{scored.overlaps_n.mean():.3f}",
        f"{tenth.mean():.3f}",
        f"{100 * scored.covered:.0f} %",
        f"{scored.found} / {scored.passes}",
        f"{scored.usable} / {scored.passes}",
        str(scored.false_walks),
        str(scored.strayed),
        str(scored.renumbered),
    )


def _summary(name: str, scores: Sequence[SceneScore]) -> tuple[str, ...]:
    """Scenes count alike, however long they are; people and passes are added up."""
    means = [one.overlaps_n.mean() for one in scores if one.overlaps_n.size]
    silhouettes = sum(one.overlaps_n.size for one in scores)
    strayed = sum(one.strayed for one in scores)
    return (
        name,
        f"{np.mean(means):.3f}" if means else "–",
        "",
        f"{100 * np.mean([one.covered for one in scores]):.0f} %",
        f"{sum(one.found for one in scores)} / {sum(one.passes for one in scores)}",
        f"{sum(one.usable for one in scores)} / {sum(one.passes for one in scores)}",
        str(sum(one.false_walks for one in scores)),
        f"{100 * strayed / max(1, silhouettes):.2f} %",
        str(sum(one.renumbered for one in scores)),
    )


def _print_speed(rounds: int, console: Console) -> None:
    table = Table(title="Speed on one core, decoding included, × real time")
    table.add_column("clip, 10 s of H.264")
    for name in ("capture", "target", "decoder alone", "capture / decoder"):
        table.add_column(name, justify="right")
    for scene, target in _SPEED_TARGETS.items():
        measured = speed(record(scene, KEPT), rounds)
        table.add_row(
            scene.name,
            f"{measured.capture:.1f}",
            f"{target:.0f}",
            f"{measured.decoder:.1f}",
            f"{measured.capture / measured.decoder:.2f}",
        )
    console.print(table)


def _print_memory(console: Console) -> None:
    short = record(VGA, KEPT)
    table = Table(title="Peak memory of capture, MiB above the libraries")
    table.add_column("clip")
    table.add_column("peak", justify="right")
    for times in _LENGTHS:
        peak = peak_mebibytes(lengthened(short, KEPT, times))
        table.add_row(f"640×480, {times * short.scene.seconds:.0f} s", f"{peak:.0f}")
    console.print(table)


if __name__ == "__main__":
    main()

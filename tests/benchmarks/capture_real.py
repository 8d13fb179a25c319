"""Real clips: which passes become walks, and whether the shipped weights know the walker again.

Clips are named as in the KTH action data: person01_walking_d1_uncomp.avi, where d1 is outdoors,
d3 outdoors in other clothes and d4 indoors. Nothing of them is kept but the figures.

Shape letters: N walks, H rows, W columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model.baselines import pixels
from model.capture import CapturedWalk, capture_recording
from model.encoder import Encoder
from model.gei import energy_image
from model.refusals import WalkRefused
from model.scores import Scores, cosine_scores, euclidean_scores

_NAME = re.compile(r"(?P<person>person\d+)_walking_(?P<scenario>d\d)")


@dataclass(frozen=True)
class _Pass:
    """One walk of one clip that became a GEI."""

    person: str
    scenario: str
    gei_hw: NDArray[np.uint8]


def print_real_clips(folder: Path, console: Console) -> None:
    """Captures every clip of a folder and prints both tables."""
    encoder = Encoder.load(device="cpu", threads=1)
    passes: list[_Pass] = []
    listing = Table(title="Real clips: passes that became walks")
    for name in ("clip", "walks", "with a GEI", "walkers", "frames of each walk"):
        listing.add_column(name)
    for clip in sorted(folder.glob("*.avi")):
        match = _NAME.match(clip.name)
        if match is None:
            continue
        label = f"{match['person']} {match['scenario']}"
        try:
            walks = capture_recording([clip]).walks
        except WalkRefused as refusal:
            listing.add_row(label, "0", "0", "0", f"{type(refusal).__name__}: {refusal.detail}")
            continue
        geis = [gei_hw for walk in walks if (gei_hw := _gei(walk, encoder)) is not None]
        passes += [_Pass(match["person"], match["scenario"], gei_hw) for gei_hw in geis]
        listing.add_row(
            label,
            str(len(walks)),
            str(len(geis)),
            str(len({walk.walker for walk in walks})),
            " ".join(_where(walk) for walk in walks),
        )
    console.print(listing)
    if passes:
        console.print(_recognition(passes, encoder))


def print_one_clip(clip: Path, console: Console) -> None:
    """Captures one clip and says who was found in it."""
    recording = capture_recording([clip])
    console.print(f"{clip.name}: {recording.frames} frames, {len(recording.walks)} walks")
    for walk in recording.walks:
        console.print(f"  walker {walk.walker}: {_where(walk)}, {walk.height:.0f} pixels tall")


def _where(walk: CapturedWalk) -> str:
    return f"{walk.first_frame}–{walk.last_frame} {walk.direction or '?'}"


def _gei(walk: CapturedWalk, encoder: Encoder) -> NDArray[np.uint8] | None:
    try:
        return energy_image(walk.sequence, encoder.checkpoint.gei).gei_hw
    except WalkRefused:
        return None


def _recognition(passes: list[_Pass], encoder: Encoder) -> Table:
    geis_nhw = np.stack([one.gei_hw for one in passes])
    person_n = np.array([one.person for one in passes])
    scenario_n = np.array([one.scenario for one in passes])
    raw_nn = np.maximum(euclidean_scores(pixels(geis_nhw)), _scores_of_mirrored(geis_nhw))
    shipped_nn = cosine_scores(encoder.encode(geis_nhw))
    table = Table(title="Real clips: rank-1 in % (right of all probes)")
    table.add_column("gallery → probes")
    table.add_column(f"shipped weights, {encoder.checkpoint.checkpoint_id}", justify="right")
    table.add_column("nearest raw GEI, plain or mirrored", justify="right")
    kept = np.unique(scenario_n).tolist()
    pairs = [(one, one) for one in kept] + [("d1", other) for other in kept if other != "d1"]
    for gallery, probes in pairs:
        usable_nn = (scenario_n == probes)[:, None] & (scenario_n == gallery)[None, :]
        np.fill_diagonal(usable_nn, val=False)
        name = (
            f"{gallery} → {probes}" if gallery != probes else f"{gallery}: the clips' other passes"
        )
        table.add_row(
            name, *(_rank_1(scores, person_n, usable_nn) for scores in (shipped_nn, raw_nn))
        )
    return table


def _scores_of_mirrored(geis_nhw: NDArray[np.uint8]) -> Scores:
    both = pixels(np.concatenate((geis_nhw, geis_nhw[:, :, ::-1])))
    return euclidean_scores(both)[: len(geis_nhw), len(geis_nhw) :]


def _rank_1(scores_nn: Scores, person_n: NDArray[np.str_], usable_nn: NDArray[np.bool_]) -> str:
    right = asked = 0
    for probe, usable_n in enumerate(usable_nn):
        if not (usable_n & (person_n == person_n[probe])).any():
            continue
        nearest = int(np.argmax(np.where(usable_n, scores_nn[probe], -np.inf)))
        right += bool(person_n[nearest] == person_n[probe])
        asked += 1
    return f"{100.0 * right / asked:.1f} ({right} of {asked})" if asked else "–"

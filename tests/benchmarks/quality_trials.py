"""Spoiled walks of generated people, each looked for among people enrolled with good walks.

Shape letters: N walks, P people, G walks of the gallery, D embedding size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from model.datasets.walker_recipe import CAMERAS_DEGREES, CONDITIONS, WalkerSetConfig
from model.encoder import Encoder
from model.gei import EnergyImage, GeiConfig, energy_image
from model.judgement_evidence import WalkEvidence, walk_evidence
from model.refusals import WalkRefused
from model.walkers import Identity, Shot
from tests.spoiled_walks import SPOILS, Take, film

GOOD, SMALL = "good", "small"
BOTH = "two faults"
_GOOD_SHARE = 0.2
_SECOND_FAULT_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Trial:
    """One walk that was looked for.

    Attributes:
        person: number of the person in the gallery.
        kind: of fault: a name in `SPOILS` (`SMALL` is one), `GOOD` or `BOTH`.
        evidence: of its quality.
        genuine: best cosine with the right person's walks.
        margin: that minus the best cosine with anybody else's.
    """

    person: int
    kind: str
    evidence: WalkEvidence
    genuine: float
    margin: float

    @property
    def recognised(self) -> bool:
        """Whether the right person ranked first."""
        return self.margin > 0.0


@dataclass(frozen=True, slots=True)
class Trials:
    """All trials against one gallery, and the walks that never came to one.

    Attributes:
        people: in the gallery.
        tried: one entry per walk that became a gait energy image.
        refused: kind of every walk that did not.
    """

    people: int
    tried: tuple[Trial, ...]
    refused: tuple[str, ...]


def hold_trials(
    encoder: Encoder, first_identity: int, people: int, walks: int, console: Console
) -> Trials:
    """Enrols people from good walks in all views and looks for their spoiled walks among them.

    Args:
        encoder: the network whose recognition is to be predicted.
        first_identity: seed of the first person.
        people: enrolled and looked for.
        walks: looked for, of each person.
        console: where progress is drawn.
    """
    seeds = range(first_identity, first_identity + people)
    gallery_pgd = np.stack(
        [
            encoder.encode(np.stack([image.gei_hw for image in _enrolled(seed)]))
            for seed in track(seeds, "enrolling", console=console)
        ]
    )
    tried, refused = [], []
    for person, seed in enumerate(track(seeds, "looking for them", console=console)):
        for kind, found in _spoiled(seed, walks):
            if found is None:
                refused.append(kind)
                continue
            evidence, gei_hw = found
            score_p = _best_scores(encoder.encode(gei_hw[None])[0], gallery_pgd)
            genuine = float(score_p[person])
            others = float(np.delete(score_p, person).max())
            tried.append(Trial(person, kind, evidence, genuine, genuine - others))
    return Trials(people, tuple(tried), tuple(refused))


def _best_scores(
    vector_d: NDArray[np.float32], gallery_pgd: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(P,) cosine with each person's most similar walk, as a search over walks ranks subjects."""
    return cast("NDArray[np.float32]", (gallery_pgd @ vector_d).max(axis=1))


def _enrolled(seed: int) -> list[EnergyImage]:
    """One good walk per camera; a mirrored walk passes the other way, so these are all views."""
    identity, images = Identity.from_seed(seed), []
    for walk, azimuth in enumerate(CAMERAS_DEGREES):
        shot = Shot(azimuth_degrees=float(azimuth), frames=64)
        walked = film(identity, "nm", 1000 + walk, Take(shot))
        images.append(energy_image(walked.sequence, GeiConfig()))
    return images


def _spoiled(
    seed: int, walks: int
) -> Iterator[tuple[str, tuple[WalkEvidence, NDArray[np.uint8]] | None]]:
    """Kind of fault, evidence and GEI of every walk of one person; None for a refused one."""
    identity = Identity.from_seed(seed)
    names = tuple(SPOILS)
    for walk in range(walks):
        rng = np.random.default_rng((seed, walk, 0x51))
        condition = CONDITIONS[rng.choice(3, p=WalkerSetConfig().condition_shares)]
        take, kind = Take(Shot.random(rng)), GOOD
        if rng.uniform() >= _GOOD_SHARE:
            kind = names[rng.integers(len(names))]
            take = SPOILS[kind](take, float(rng.uniform()), rng)
            if rng.uniform() < _SECOND_FAULT_SHARE:
                second = names[rng.integers(len(names))]
                take, kind = SPOILS[second](take, float(rng.uniform()), rng), BOTH
        walked = film(identity, condition, walk, take)
        try:
            image = energy_image(walked.sequence, GeiConfig())
        except WalkRefused:
            yield kind, None
            continue
        yield kind, (walk_evidence(walked, image), image.gei_hw)

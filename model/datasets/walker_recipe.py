"""Which walks a walker set holds, and how each one is generated: a pure function of the settings.

Shape letters: T frames, H rows, W columns, N walks.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model import walkers
from model.capture.mask import cut_out_walker
from model.datasets.packing import pack_pictures
from model.gei import GeiConfig
from model.refusals import WalkRefused
from model.silhouettes import Silhouette, SilhouetteSequence
from model.walkers import Condition, FaultSettings, Identity, Shot, walk_silhouettes

CONDITIONS: tuple[Condition, ...] = ("nm", "bg", "cl")  # as CASIA-B: normal, with a bag, in a coat
CASIA_B_VIEWS_DEGREES = tuple(range(0, 181, 18))  # 0 walks towards the camera, 90 is the profile
CAMERAS_DEGREES = (0, 45, 90, 135, 180)  # a mirror image passes the other way
CASIA_B_WALKS: tuple[Condition, ...] = ("nm",) * 6 + ("bg",) * 2 + ("cl",) * 2


@dataclass(frozen=True, slots=True)
class WalkerSetConfig:
    """Which walks to generate. Equal settings give equal walks, whatever the number of processes.

    Attributes:
        first_identity: seed of the first person; people are `first_identity` and the following.
        identities: number of people.
        walks_per_identity: of every person; in the CASIA-B shape always 10 (times 11 views).
        frames: length of the shortest walk, in frames at the walkers' frame rate.
        frames_spread: how many frames longer a walk may be; its length is drawn evenly.
        views: "random" gives every walk its own camera anywhere on the circle; "cameras" films
            every walk from each of `CAMERAS_DEGREES`; "casia-b" films each of ten walks (nm 1–6, bg
            1–2, cl 1–2) from 0°, 18°, … 180°.
        condition_shares: probability of nm, bg and cl, but in the CASIA-B shape.
        fault_share: share of the walks whose masks carry segmentation faults.
        halt_share: share of the walks with a start, a stop or a pause; none in the CASIA-B shape.
        seed: of everything that is not the person.
        gei: how silhouettes are aligned.
    """

    first_identity: int = 0
    identities: int = 3000
    walks_per_identity: int = 10
    frames: int = 48
    frames_spread: int = 0
    views: Literal["random", "cameras", "casia-b"] = "random"
    condition_shares: tuple[float, float, float] = (0.5, 0.25, 0.25)
    fault_share: float = 0.5  # faults on every walk hurt, none at all hurts too
    halt_share: float = 0.06
    seed: int = 0
    gei: GeiConfig = field(default_factory=GeiConfig)

    def to_json(self) -> dict[str, object]:
        """The settings as plain JSON values."""
        plain: dict[str, object] = json.loads(json.dumps(asdict(self)))
        return plain

    def fingerprint(self) -> str:
        """Names the walks: 12 hexadecimal digits over the settings and the code that makes them."""
        text = json.dumps(self.to_json(), sort_keys=True) + _generator_fingerprint()
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def takes_per_identity(self) -> int:
        """Films of every person: walks, times views in the CASIA-B shape."""
        if self.views == "casia-b":
            return len(CASIA_B_WALKS) * len(CASIA_B_VIEWS_DEGREES)
        cameras = len(CAMERAS_DEGREES) if self.views == "cameras" else 1
        return self.walks_per_identity * cameras


@dataclass(frozen=True, slots=True)
class Take:
    """One walk as it was filmed, packed for the disk.

    Attributes:
        frames_packed_tb: uint8 (T, H · W / 8), `np.packbits` of each aligned silhouette.
        gei_hw: uint8 (H, W), over whole cycles, or over all frames where no period was found.
        identity: the person's seed.
        azimuth_degrees: where the camera stood, [0, 360); 0 sees the walker come, 90 in profile.
        condition: index in `CONDITIONS`.
        walk_index: which walk of that person; the views of one walk share it.
        period_frames: length of a gait cycle, nan where none was found.
    """

    frames_packed_tb: NDArray[np.uint8]
    gei_hw: NDArray[np.uint8]
    identity: int
    azimuth_degrees: float
    condition: int
    walk_index: int
    period_frames: float


def takes_of(seed: int, config: WalkerSetConfig) -> Iterator[Take | None]:
    """Every take of one person, in a fixed order; None for a walk that the GEI code refuses."""
    identity = Identity.from_seed(seed)
    faults = FaultSettings(share=config.fault_share)
    walks = len(CASIA_B_WALKS) if config.views == "casia-b" else config.walks_per_identity
    for walk_index in range(walks):
        rng = np.random.default_rng((config.seed, seed, walk_index))
        walk_seed = int(rng.integers(2**31))
        frames = int(config.frames + rng.integers(config.frames_spread + 1))
        halts = bool(rng.uniform() < config.halt_share) and config.views == "random"
        views: tuple[int | None, ...] = CAMERAS_DEGREES if config.views == "cameras" else (None,)
        condition: Condition = CONDITIONS[rng.choice(len(CONDITIONS), p=config.condition_shares)]
        if config.views == "casia-b":
            views, condition = CASIA_B_VIEWS_DEGREES, CASIA_B_WALKS[walk_index]
        for view in views:
            shot = Shot.random(rng, azimuth_degrees=view, frames=frames)
            sequence = walk_silhouettes(
                identity,
                walk_seed=walk_seed,
                condition=condition,
                shot=shot,
                faults=faults,
                halts=halts,
            )
            try:
                packed = pack_pictures(as_captured(sequence), config.gei)
            except WalkRefused:
                yield None
                continue
            yield Take(
                frames_packed_tb=packed.frames_packed_tb,
                gei_hw=packed.gei_hw,
                identity=seed,
                azimuth_degrees=shot.azimuth_degrees % 360.0,
                condition=CONDITIONS.index(condition),
                walk_index=walk_index,
                period_frames=packed.period_frames,
            )


def as_captured(sequence: SilhouetteSequence) -> SilhouetteSequence:
    """The masks as capture would hand them on: the walker without the specks around."""
    cleaned: list[Silhouette | None] = []
    for one in sequence.silhouettes:
        walker = cut_out_walker(one.mask_hw) if one is not None else None
        if one is not None and walker is not None:
            walker = replace(walker, top=walker.top + one.top, left=walker.left + one.left)
        cleaned.append(walker)
    return replace(sequence, silhouettes=tuple(cleaned))


def _generator_fingerprint() -> str:
    """Changes when the code or the numbers behind the walkers or the alignment change.

    Code is compared without its comments, layout and docstrings, so tidying it keeps a cache valid.
    """
    folder = Path(walkers.__file__).parent
    digest = hashlib.sha256()
    beside = [folder.parent / name for name in ("gei.py", "gait_period.py", "capture/mask.py")]
    for path in [*sorted(folder.glob("*.py")), *beside]:
        if path.stem in ("fit_mocap", "bvh"):  # run by hand; their result is the .npz
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [  # type: ignore[attr-defined]  # just read: it has a body
                    part
                    for part in body
                    if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
                ]
        digest.update(f"{path.name}\n{ast.dump(tree)}\n".encode())
    for path in sorted(folder.glob("*.npz")):
        digest.update(path.read_bytes())
    return digest.hexdigest()

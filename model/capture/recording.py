"""What capture finds in one recording: people, and the stretches in which each of them walks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from model.refusals import SeveralWalkers
from model.silhouettes import SilhouetteSequence
from model.walker_choice import WalkerChoice

Direction = Literal["left", "right", "towards", "away"]
"""As the camera sees it: across the picture, or along the line of sight."""

_RIVAL_HEIGHT, _RIVAL_PRESENCE = 0.6, 0.25
"""Of the largest walker's height, and of height times frames, from which somebody else counts as an
equal walker; who is there for a moment does not."""


@dataclass(frozen=True, slots=True)
class CapturedWalk:
    """One uninterrupted stretch in which one person walks in one direction.

    Attributes:
        sequence: the silhouettes from its first to its last frame; None where the walker was lost.
        walker: number of the person in this recording, from 1, in order of appearance. Two people
            seen at the same time never share a number; one person who passes twice keeps it.
        first_frame: number of the walk's first frame in the recording, from 0.
        direction: None where it cannot be told, as in silhouettes that were cut to the walker.
        people: how many people were seen at the same time as this walk, the walker included.
        cut_share: share of the walk's frames in which the picture's border hides a part.
        seen_with: numbers of other walkers who were in the picture meanwhile, walking or not.
    """

    sequence: SilhouetteSequence
    walker: int
    first_frame: int
    direction: Direction | None
    people: int = 1
    cut_share: float = 0.0
    seen_with: frozenset[int] = frozenset()

    @property
    def frames(self) -> int:
        """Frames from the first to the last."""
        return len(self.sequence.silhouettes)

    @property
    def last_frame(self) -> int:
        """Number of the walk's last frame in the recording."""
        return self.first_frame + self.frames - 1

    def to_json(self) -> dict[str, object]:
        """When and where to the walk goes, as plain JSON values; seconds where the rate is known.

        Returns:
            first_frame, last_frame, from_seconds, to_seconds, direction.
        """
        rate = self.sequence.frames_per_second
        return {
            "first_frame": self.first_frame,
            "last_frame": self.last_frame,
            "from_seconds": round(self.first_frame / rate, 2) if rate else None,
            "to_seconds": round((self.last_frame + 1) / rate, 2) if rate else None,
            "direction": self.direction,
        }

    @property
    def height(self) -> float:
        """Mean height of the walker, in pixels of the working frames; 0 without silhouettes."""
        seen = [one.height for one in self.sequence.silhouettes if one is not None]
        return sum(seen) / len(seen) if seen else 0.0


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """What the judgement needs to know of the camera's picture; absent for silhouettes.

    Attributes:
        light: median grey level of the scene, 0 to 255.
        contrast: median distance between walker and background, in units of the scene's noise.
        drift: how far the camera moved, as a share of the frame's width.
    """

    light: float
    contrast: float
    drift: float


@dataclass(frozen=True, slots=True)
class Recording:
    """The walks of one recording, in order of their first frames.

    Attributes:
        walks: at least one.
        frames: of the whole recording.
        scene: None for a recording that came as silhouettes.
    """

    walks: tuple[CapturedWalk, ...]
    frames: int
    scene: SceneFacts | None

    def walks_by_walker(self) -> tuple[tuple[CapturedWalk, ...], ...]:
        """One entry per person, in order of their numbers."""
        ordered = sorted(self.walks, key=lambda walk: (walk.walker, walk.first_frame))
        return tuple(tuple(group) for _, group in groupby(ordered, lambda walk: walk.walker))

    def choose(self, choice: WalkerChoice) -> tuple[tuple[CapturedWalk, ...], ...]:
        """The walks of the people who are wanted, one entry per person.

        Raises:
            SeveralWalkers: "only" was asked for, and somebody else walks who is nearly as large.
        """
        people = self.walks_by_walker()
        if choice == "all":
            return people
        ranked = sorted(people, key=_presence, reverse=True)
        if choice == "only" and len(ranked) > 1:
            largest = _height(ranked[0])
            most = _presence(ranked[0])
            equals = [
                walks
                for walks in people
                if _height(walks) >= _RIVAL_HEIGHT * largest
                and _presence(walks) >= _RIVAL_PRESENCE * most
            ]
            if len(equals) > 1:
                raise SeveralWalkers(
                    f"{len(equals)} people walk: {'; '.join(map(_description, equals))}.",
                    walkers=[_facts(walks) for walks in equals],
                )
        return (ranked[0],)


def _height(walks: Sequence[CapturedWalk]) -> float:
    return max(walk.height for walk in walks)


def _presence(walks: Sequence[CapturedWalk]) -> float:
    """How much of the recording a person takes: height, and for how long it was seen."""
    return sum(walk.height * walk.frames for walk in walks)


def _facts(walks: Sequence[CapturedWalk]) -> dict[str, object]:
    return {
        "number": walks[0].walker,
        "height_pixels": round(_height(walks), 1),
        "walks": [walk.to_json() for walk in walks],
    }


def _description(walks: Sequence[CapturedWalk]) -> str:
    first, last = walks[0], walks[-1]
    rate = first.sequence.frames_per_second
    begin, end = first.first_frame, last.first_frame + last.frames
    when = f"{begin / rate:.1f} to {end / rate:.1f} s" if rate else f"frames {begin} to {end - 1}"
    heading = f", walking {first.direction}" if first.direction else ""
    return f"walker {first.walker} at {when}{heading}, {_height(walks):.0f} pixels tall"

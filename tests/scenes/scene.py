"""What is to be filmed: values only, so that a scene can be named, compared and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BackdropKind = Literal["bricks", "grass", "pavement", "corridor", "foliage", "plaster"]
Clothes = Literal["contrast", "like background", "uniform"]
"""Unlike what is behind them; of its colours; or the same for everybody in the scene."""
Codec = Literal["libx264", "mpeg4"]
Level = Literal["plain", "hard"]


@dataclass(frozen=True)
class Crossing:
    """One person's way through the picture, from when they are drawn until they have left it.

    Attributes:
        person: number of the person in the scene; the same number is the same body and clothes.
        begins_seconds: after the recording's start.
        enters: column of the body's middle at that time, as a share of the picture's width;
            below 0 or above 1 lies outside.
        azimuth_degrees: of the walk as the camera sees it: 90 to the left, 270 to the right,
            0 towards, 180 away.
        ground: row of the feet in the middle of the walk, as a share of the picture's height.
        tall: standing height there, the same way.
        halts: whether the person stands still for some of the time.
        seconds: drawn at the longest; an interrupted walk needs more time than others.
    """

    person: int
    begins_seconds: float = 0.0
    enters: float = -0.1
    azimuth_degrees: float = 270.0
    ground: float = 0.92
    tall: float = 0.55
    halts: bool = False
    seconds: float = 12.0


@dataclass(frozen=True)
class Light:
    """What the light does. Shares are of the full light.

    Attributes:
        drift: change over the whole recording.
        flicker: of lamps that beat with the shutter.
        step: change of the exposure in the middle of the recording, within three frames.
        cloud: depth of a wide shade that crosses the scene.
        shadow: how much a cast shadow takes away; 0 is an overcast day.
        shadow_softness: of its edge, in heights of the walker.
        shadow_length: in heights of the walker, to the picture's right.
        reflection: share of the walker that the floor throws back.
    """

    drift: float = 0.0
    flicker: float = 0.0
    step: float = 0.0
    cloud: float = 0.0
    shadow: float = 0.0
    shadow_softness: float = 0.05
    shadow_length: float = 0.7
    reflection: float = 0.0


@dataclass(frozen=True)
class Scene:
    """One recording.

    Attributes:
        name: in the table.
        level: plain or hard, each with its own target.
        crossings: of all persons.
        width, height: of the recording, in pixels.
        seconds: its length.
        frames_per_second: of the recording.
        backdrop: what is behind the walkers.
        clothes: how they stand out.
        grey: a camera without colour.
        light: see `Light`.
        noise: of the sensor at middle grey, standard deviation in grey levels.
        codec, quality: H.264 at a constant rate factor (18 is near lossless, 36 poor), or MPEG-4
            at a quantiser scale (2 fine, 31 coarse).
        seed: for everything left to chance.
    """

    name: str
    level: Level
    crossings: tuple[Crossing, ...]
    width: int = 640
    height: int = 360
    seconds: float = 6.0
    frames_per_second: float = 25.0
    backdrop: BackdropKind = "bricks"
    clothes: Clothes = "contrast"
    grey: bool = False
    light: Light = Light()
    noise: float = 2.0
    codec: Codec = "libx264"
    quality: int = 23
    seed: int = 1

    @property
    def frames(self) -> int:
        """How many."""
        return round(self.seconds * self.frames_per_second)

"""Filmed-like scenes with a known truth: dressed walkers before textured backgrounds.

Everything follows from a `Scene` and its seed: who walks where (`casting`), what they wear
(`wardrobe`), what lies behind them (`backdrops`), the light (`lighting`), the camera (`filming`)
and the codec (`encoding`). `catalogue` names the scenes that `make bench-capture` scores.
"""

from tests.scenes.catalogue import SCENES
from tests.scenes.filming import film
from tests.scenes.recorded import RecordedScene, record
from tests.scenes.scene import Crossing, Light, Scene

__all__ = ["SCENES", "Crossing", "Light", "RecordedScene", "Scene", "film", "record"]

"""Procedural walkers: people who never lived, with gaits learned from motion capture.

They are what the encoder is trained on. The data used in this project was obtained from
mocap.cs.cmu.edu. The database was created with funding from NSF EIA-0196217.
"""

from model.walkers.attire import Condition
from model.walkers.faults import FaultSettings
from model.walkers.identity import Identity
from model.walkers.render import walk_masks_thw, walk_silhouettes
from model.walkers.shot import Shot

__all__ = [
    "Condition",
    "FaultSettings",
    "Identity",
    "Shot",
    "walk_masks_thw",
    "walk_silhouettes",
]

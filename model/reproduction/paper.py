"""What the paper reports, as it prints it. Shown in a column named *paper* and used nowhere else.

"Gait Recognition Based on Lightweight CNNs" (Wang Hongru, Yuan Haoran). Where two figures stand
together, the first is of ResNet-50, the second of L-ResNet-50.
"""

from __future__ import annotations

LINEAR_MAPS = ("3.3", "11.0", "23.9")  # table 1, MSE × 10⁻³, first three layers
RECOGNITION_BY_VIEW = {  # table 2, per cent, nm-05 and nm-06
    36: "98 / 98.1",
    54: "96.5 / 97",
    72: "94.2 / 93.1",
    90: "92.2 / 91.5",
    108: "93.7 / 93",
    126: "95.5 / 95.3",
    144: "97 / 96.7",
}
RECOGNITION_BY_CONDITION = {"bg": "83.2 / 82.3", "cl": "77.3 / 76"}  # table 3, per cent
WEIGHTS = "25.6 / 13.0"  # table 4, millions
MULTIPLY_ADDS = "4.1 / 2.2"  # table 4, 10⁹, at 3×224×224
TRAINING_TIME = "1 / 0.5"  # text: halved at equal hyper-parameters
CONVERGED_BATCHES = 100  # figure 5: the light network, "within about"
INPUT = "224×224"  # of table 4; the text does not name another
EMPTY = "–"

"""How far a captured walk can be trusted: a score that predicts recognition, and what is wrong.

What the words mean and how well the score predicts is in docs/quality.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.capture.recording import CapturedWalk, SceneFacts
from model.gei import EnergyImage
from model.judgement_evidence import walk_evidence
from model.judgement_findings import Finding, findings_of
from model.judgement_score import FITTED, Level, level_of


@dataclass(frozen=True, slots=True)
class Judgement:
    """The quality of one captured walk.

    Attributes:
        score: 0 to 1, the chance that the right person ranks first among 200 people enrolled with
            good walks.
        level: the score in a word.
        findings: what is wrong; empty for most good walks.
    """

    score: float
    level: Level
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, object]:
        """The same as plain JSON values, the score rounded for reading."""
        return {
            "score": round(self.score, 3),
            "level": self.level,
            "findings": [finding.to_json() for finding in self.findings],
        }


def judge(walk: CapturedWalk, scene: SceneFacts | None, image: EnergyImage) -> Judgement:
    """Judges one walk.

    Args:
        walk: as captured.
        scene: what the camera's picture was like; None for a recording that came as silhouettes.
        image: the gait energy image made of this walk.

    Raises:
        NoWalkerFound, TooFewFrames: `image` is of another walk; this one makes none.
    """
    evidence = walk_evidence(walk, image)
    score = FITTED.score(evidence)
    return Judgement(score, level_of(score), findings_of(evidence, scene))

"""What one reproduction is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from model.gei import GeiConfig
from model.network_config import Architecture
from model.paper_recipe import PAPER_PEOPLE, paper_recipe
from model.train_config import TrainConfig

ARCHITECTURES: tuple[Architecture, ...] = ("resnet50", "l-resnet50")  # in the paper's order


@dataclass(frozen=True, slots=True)
class ReproductionSettings:
    """Settings; equal ones go on where a killed run stood.

    Attributes:
        out: folder of the walks, both trainings and the report.
        casia_b: a copy of CASIA-B; None takes generated walkers in its shape.
        people: of generated walkers.
        height: rows of the networks' input.
        width: its columns.
        steps: batches of every training; None takes the recipe's.
        seed: of first weights and batches.
        cross_view: whether both networks are also trained on some people and tested on others.
        device: torch's name of it.
        processes: that generate or read walks.
    """

    out: Path
    casia_b: Path | None = None
    people: int = PAPER_PEOPLE
    height: int = 64
    width: int = 44
    steps: int | None = None
    seed: int = 1
    cross_view: bool = False
    device: str = "cpu"
    processes: int = 2

    @property
    def gei(self) -> GeiConfig:
        """How silhouettes become the networks' input."""
        return GeiConfig(height=self.height, width=self.width)

    def recipes(self, people: int) -> dict[Architecture, TrainConfig]:
        """The paper's recipe for both networks, equal but for the architecture.

        Args:
            people: who are trained on; a batch holds no more of them than there are.
        """
        recipes = {}
        for architecture in ARCHITECTURES:
            recipe = paper_recipe(architecture)
            recipes[architecture] = replace(
                recipe,
                network=replace(recipe.network, height=self.height, width=self.width),
                steps=self.steps or recipe.steps,
                subjects_per_batch=min(recipe.subjects_per_batch, people),
                seed=self.seed,
            )
        return recipes

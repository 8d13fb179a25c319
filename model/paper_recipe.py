"""The paper's recipe as far as it is stated, and what had to be chosen where it is silent.

"Gait Recognition Based on Lightweight CNNs" (Wang Hongru, Yuan Haoran) says what is trained on
what, and little of how. `paper_choices` keeps the two apart; docs/paper-recipe.md shows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model.augment import AugmentConfig
from model.network_config import NetworkConfig
from model.train_config import TrainConfig


@dataclass(frozen=True, slots=True)
class PaperChoice:
    """One setting of the recipe.

    Attributes:
        setting: its name.
        stated: what the paper says; empty where it says nothing.
        chosen: what we took beyond that; empty where the paper leaves nothing open.
        why: of the choice.
    """

    setting: str
    stated: str
    chosen: str
    why: str


PAPER_PEOPLE = 124


def paper_recipe(
    architecture: Literal["l-resnet50", "resnet50"] = "l-resnet50",
) -> TrainConfig:
    """How `walkprint train --paper` trains either network: equal settings for both."""
    return TrainConfig(
        network=NetworkConfig(architecture=architecture, embedding_size=None),
        steps=400,
        subjects_per_batch=64,
        walks_per_subject=1,
        shortest_window=None,
        optimizer="adamw",
        peak_rate=1e-3,
        warmup_steps=0,
        schedule="cosine",
        weight_decay=0.05,
        label_smoothing=0.0,
        triplet_weight=0.0,
        augment=AugmentConfig.none(),
    )


def paper_choices() -> tuple[PaperChoice, ...]:
    """Every setting: the paper's word, and ours."""
    recipe = paper_recipe()
    network = recipe.network
    return (
        PaperChoice(
            "network",
            "ResNet-50, and the same with the lightweight module for every convolution"
            " (conv1, conv2, conv3, downsample)",
            "the 7×7 stem stays ordinary",
            "so it does with the module's authors",
        ),
        PaperChoice(
            "first values",
            "",
            "Kaiming for convolutions, each block begins as its shortcut, nothing pretrained",
            "Goyal et al. 2017; a GEI has one channel where ImageNet has three",
        ),
        PaperChoice(
            "input",
            "a gait energy image",
            f"{network.height}×{network.width}, one channel",
            "the usual size of silhouettes; 224×224 costs seventeen times as much on a CPU",
        ),
        PaperChoice(
            "GEI",
            "mean of the silhouettes over whole gait cycles",
            "",
            "",
        ),
        PaperChoice(
            "training walks",
            "CASIA-B, 124 people, NM01–04, views 36° to 144°",
            "",
            "",
        ),
        PaperChoice(
            "augmentation",
            "",
            "none",
            "nothing is said of any",
        ),
        PaperChoice(
            "head",
            "softmax classification",
            "global average pooling, one linear layer of 124 classes, no embedding",
            "as in ResNet-50",
        ),
        PaperChoice(
            "loss", "softmax classification", "cross-entropy, no label smoothing", "its usual form"
        ),
        PaperChoice(
            "optimizer",
            "the same for both networks",
            f"AdamW, weight decay {recipe.weight_decay:g}",
            "of three tried, the one that converges as fast as Fig. 5 shows",
        ),
        PaperChoice(
            "learning rate",
            "the same for both networks",
            f"{recipe.peak_rate:g}, falling to nothing as a cosine, no warm-up",
            "the rate that AdamW usually has",
        ),
        PaperChoice(
            "batch",
            "the same for both networks",
            f"{recipe.subjects_per_batch} GEIs, each of another person",
            "every person is seen equally often, however many walks are missing",
        ),
        PaperChoice(
            "length",
            "the light network converges within about 100 batches (Fig. 5)",
            f"{recipe.steps} batches, about seven rounds of the 3,458 walks",
            "four times that, so that both have converged",
        ),
        PaperChoice(
            "number format",
            "",
            "bfloat16 forward and backward, float32 weights",
            "as in our own training; where a table compares times, both networks have it",
        ),
        PaperChoice(
            "recognition",
            "rate per view and condition",
            "the class with the highest score, of one GEI per walk",
            "98.1 % is no multiple of 1/248, so the paper scored something else",
        ),
    )


def paper_choices_markdown() -> str:
    """The table of docs/paper-recipe.md."""
    rows = ["| setting | stated | chosen by us | why |", "| --- | --- | --- | --- |"]
    for choice in paper_choices():
        cells = (choice.setting, choice.stated, choice.chosen, choice.why)
        rows.append("| " + " | ".join(cell or "–" for cell in cells) + " |")
    return "\n".join(rows)

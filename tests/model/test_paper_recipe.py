"""The paper's recipe: what it is, and that its page says the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model.augment import AugmentConfig
from model.paper_recipe import paper_choices, paper_choices_markdown, paper_recipe

PAGE = Path(__file__).parents[2] / "docs" / "paper-recipe.md"


def test_both_networks_are_plain_classifiers_trained_alike() -> None:
    light, plain = paper_recipe("l-resnet50"), paper_recipe("resnet50")
    assert light.network.embedding_size is None
    assert (light.triplet_weight, light.label_smoothing) == (0.0, 0.0)
    assert light.shortest_window is None  # whole cycles
    assert light.augment == AugmentConfig.none()
    assert replace(light, network=plain.network) == plain
    assert replace(light.network, architecture="resnet50") == plain.network


def test_the_page_shows_every_choice_as_the_code_has_it() -> None:
    assert paper_choices_markdown() in PAGE.read_text(encoding="utf-8")


def test_what_the_paper_leaves_open_is_chosen_for_a_reason() -> None:
    for choice in paper_choices():
        assert choice.stated or choice.chosen
        assert bool(choice.chosen) == bool(choice.why), choice.setting

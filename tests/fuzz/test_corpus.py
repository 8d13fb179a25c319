"""Every seed goes through its entrance, as in fuzzing but unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.entrances import CORPUS, ENTRANCES

_SEEDS = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("seed", _SEEDS, ids=lambda seed: f"{seed.parent.name}/{seed.name}")
def test_a_seed_is_read_or_refused(seed: Path) -> None:
    """Nothing else comes out of the entrance."""
    ENTRANCES[seed.parent.name](seed.read_bytes())


def test_every_entrance_has_seeds_and_they_are_small() -> None:
    """The repository carries what fuzzing starts from, not what it found on the way."""
    assert {seed.parent.name for seed in _SEEDS} == set(ENTRANCES)
    assert sum(seed.stat().st_size for seed in _SEEDS) < 300_000


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_nothing_at_all_is_refused(entrance: str) -> None:
    """An empty input is one that fuzzers always try."""
    ENTRANCES[entrance](b"")

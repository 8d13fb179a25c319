"""Who is trained on and who is kept back."""

from __future__ import annotations

import numpy as np
import pytest

from model.batches import TooFewPeople
from model.people_split import split_people


def test_people_and_walks_are_kept_back_and_nobody_serves_twice() -> None:
    """Ten people with four walks, one with two, one with a single walk."""
    label_n = np.concatenate((np.repeat(np.arange(10), 4), [10, 10], [11]))
    split = split_people(label_n)
    parts = (split.trained_n, split.kept_back_n, split.strangers_n)
    assert np.stack(parts).sum(axis=0).max() == 1
    assert not any(part[-1] for part in parts)  # who walked once
    strangers = set(label_n[split.strangers_n].tolist())
    trained = set(label_n[split.trained_n].tolist())
    assert len(strangers) == 3  # three tenths of eleven
    assert strangers | trained == set(range(11))
    assert set(label_n[split.kept_back_n].tolist()) == trained - {10}
    counts = np.bincount(label_n[split.trained_n])
    assert {int(count) for count in counts if count} <= {2, 3}


def test_fewer_than_eight_people_are_refused_with_the_reason() -> None:
    label_n = np.concatenate((np.repeat(np.arange(7), 2), [7, 8]))
    with pytest.raises(TooFewPeople, match="7 of 9 people have two usable walks"):
        split_people(label_n)

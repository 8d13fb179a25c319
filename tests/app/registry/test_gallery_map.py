"""A gallery on a plane: the same one that textbooks give, whatever templates are stored under."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from app.errors import UnknownGallery
from app.registry import NewCheckpoint, Registry
from app.registry.gallery_map import GalleryMap, principal_plane
from app.registry.sealing import MasterKeySource
from tests.enrolling import CHECKPOINT, enroll, unit_vector

ALSO_ENCRYPTED = True


@pytest.fixture
def registry(database_url: str, master_keys: MasterKeySource | None) -> Iterator[Registry]:
    opened = Registry.open(database_url, master_keys=master_keys)
    opened.checkpoints.settle(NewCheckpoint(CHECKPOINT, None, {}), None)
    yield opened
    opened.close()


def _distances(drawn: GalleryMap) -> NDArray[np.float64]:
    places_n2 = np.array([(point.x, point.y) for point in drawn.points])
    distances_nn: NDArray[np.float64] = np.linalg.norm(places_n2[:, None] - places_n2[None], axis=2)
    return distances_nn


def test_the_plane_is_that_of_the_two_principal_components() -> None:
    vectors_nd = np.stack([unit_vector(seed) for seed in range(40)])
    places_n2, shares = principal_plane(vectors_nd)
    wanted = PCA(n_components=2).fit(vectors_nd.astype(np.float64))
    np.testing.assert_allclose(shares, wanted.explained_variance_ratio_, rtol=1e-6)
    np.testing.assert_allclose(
        np.abs(places_n2), np.abs(wanted.transform(vectors_nd.astype(np.float64))), atol=1e-6
    )
    assert all(places_n2[:, n].max() == np.abs(places_n2[:, n]).max() for n in (0, 1))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_vectors_have_a_place_too(count: int) -> None:
    vectors_nd = np.stack([unit_vector(n) for n in range(count)]) if count else np.zeros((0, 0))
    places_n2, shares = principal_plane(vectors_nd.astype(np.float32))
    assert places_n2.shape == (count, 2)
    assert np.isfinite(places_n2).all()
    assert sum(shares) == pytest.approx(1.0 if count == 2 else 0.0)


def test_a_map_names_people_and_shows_the_newest_walks(registry: Registry) -> None:
    for number, subject in enumerate(("ada", "bob", "cy")):
        enroll(registry, subject, [unit_vector(number), unit_vector(10 + number)], name=subject)
    whole = registry.maps.draw("default")
    newest = registry.maps.draw("default", most=3)
    assert whole.checkpoint == CHECKPOINT
    assert [point.subject for point in whole.points] == ["ada", "ada", "bob", "bob", "cy", "cy"]
    assert (newest.templates, [point.subject for point in newest.points]) == (
        6,
        ["bob", "cy", "cy"],
    )
    assert whole.points[0].walk in {walk.id for walk in registry.walks.list("ada")}


@pytest.mark.only_encrypted
def test_a_secret_rotation_moves_nobody_away_from_anybody(registry: Registry) -> None:
    for number in range(6):
        enroll(registry, f"s{number}", [unit_vector(number)])
    plain = registry.maps.draw("default")
    registry.protection.protect("default")
    rotated = registry.maps.draw("default")
    np.testing.assert_allclose(_distances(rotated), _distances(plain), atol=1e-5)
    np.testing.assert_allclose(rotated.shares, plain.shares, atol=1e-5)


def test_an_erased_person_is_on_no_map(registry: Registry) -> None:
    enroll(registry, "ada", [unit_vector(1)])
    enroll(registry, "bob", [unit_vector(2)])
    registry.subjects.delete("ada", gallery="default")
    assert [point.subject for point in registry.maps.draw("default").points] == ["bob"]


def test_a_gallery_that_is_not_there_has_no_map(registry: Registry) -> None:
    with pytest.raises(UnknownGallery):
        registry.maps.draw("nowhere")

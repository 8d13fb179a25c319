"""A gallery's templates on a plane: their two principal components.

Shape letters: N templates, D embedding size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from app.registry.activations import serving_now
from app.registry.database import Database
from app.registry.sealing import KEY_COLUMNS, stored_key
from app.registry.subjects import gallery_id_of
from app.registry.tables import data_keys, subjects, templates, walks
from app.registry.template_stream import vectors_of

MOST_POINTS: Final = 2000
"""Beyond it nobody tells one point from another; all are read and decrypted for one answer."""


@dataclass(frozen=True, slots=True)
class MapPoint:
    """One template.

    Attributes:
        walk: id of its walk.
        subject: the caller's id.
        name: of the person, if known.
        direction: of walking, as the camera saw it, if known.
        x: along the direction in which the templates differ most.
        y: along the direction in which they differ most beside that.
    """

    walk: str
    subject: str
    name: str | None
    direction: str | None
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class GalleryMap:
    """Some templates of a gallery, on a plane.

    Attributes:
        checkpoint: whose templates; None where nothing serves yet.
        templates: how many the gallery has of it.
        points: the newest of them, oldest first.
        shares: of all variance among these templates, along x and along y, 0 to 1.
    """

    checkpoint: str | None
    templates: int
    points: tuple[MapPoint, ...]
    shares: tuple[float, float]


class GalleryMaps:
    """Draws galleries; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def draw(self, gallery: str, *, most: int = MOST_POINTS) -> GalleryMap:
        """The newest templates of a gallery by the checkpoint that serves.

        A secret rotation of the gallery does not matter here: it turns all of them alike.

        Args:
            gallery: name of the gallery.
            most: points.

        Raises:
            UnknownGallery: there is none.
            MasterKeyMissing, StoredDataDamaged: a template cannot be decrypted.
        """
        with self._database.read() as connection:
            gallery_id = gallery_id_of(connection, gallery)
            serving = serving_now(connection)
            if serving is None:
                return GalleryMap(None, 0, (), (0.0, 0.0))
            checkpoint = serving.active
            which = (
                templates.c.gallery_id == gallery_id,
                templates.c.checkpoint_id == checkpoint,
            )
            count = connection.execute(select(func.count()).where(*which)).scalar_one()
            rows = connection.execute(
                select(
                    templates.c.walk_id,
                    templates.c.vector,
                    templates.c.data_key_id,
                    subjects.c.external_id,
                    subjects.c.name,
                    walks.c.direction,
                    *KEY_COLUMNS,
                )
                .join(subjects, subjects.c.id == templates.c.subject_id)
                .join(walks, walks.c.id == templates.c.walk_id)
                .outerjoin(data_keys, data_keys.c.id == templates.c.data_key_id)
                .where(*which)
                .order_by(templates.c.revision.desc(), templates.c.id.desc())
                .limit(most)
            ).all()[::-1]
        opening = self._database.vault.opening()
        places_n2, shares = principal_plane(
            vectors_of(
                tuple(
                    opening.vector(row.walk_id, checkpoint, row.vector, stored_key(row))
                    for row in rows
                )
            )
        )
        points = tuple(
            MapPoint(row.walk_id, row.external_id, row.name, row.direction, float(x), float(y))
            for row, (x, y) in zip(rows, places_n2, strict=True)
        )
        return GalleryMap(checkpoint, count, points, shares)


def principal_plane(
    vectors_nd: NDArray[np.float32],
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Projects vectors onto the plane in which they differ most.

    Args:
        vectors_nd: (N, D), at least D = 2 where there are any.

    Returns:
        (N, 2) float64 coordinates around their mean, each axis so directed that the vector farthest
        out along it lies on the positive side; and the share of all variance along each axis.
    """
    if len(vectors_nd) == 0:
        return np.zeros((0, 2)), (0.0, 0.0)
    centred_nd = vectors_nd.astype(np.float64) - vectors_nd.mean(axis=0, dtype=np.float64)
    variances_d, axes_dd = np.linalg.eigh(centred_nd.T @ centred_nd)
    places_n2 = centred_nd @ axes_dd[:, [-1, -2]]
    # Which way an eigenvector points is chance; a map should not turn over between two calls.
    farthest_2 = np.abs(places_n2).argmax(axis=0)
    places_n2 *= np.where(places_n2[farthest_2, [0, 1]] < 0, -1.0, 1.0)
    total = float(variances_d.sum())
    if total <= 0.0:
        return places_n2, (0.0, 0.0)
    return places_n2, (float(variances_d[-1]) / total, float(variances_d[-2]) / total)

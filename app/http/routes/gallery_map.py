"""`/galleries/{gallery}/map`: a gallery's templates on a plane, for people to look at."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.http.access import GuardedRoute, needs
from app.http.boundaries import OwnGallery
from app.http.recognition_schemas import Direction
from app.http.schemas import problems
from app.http.services import Parts
from app.registry.gallery_map import MOST_POINTS, GalleryMap

router = APIRouter(tags=["galleries"], route_class=GuardedRoute)


class PointRow(BaseModel):
    """One template on the plane."""

    walk: str
    subject: str
    name: str | None
    direction: Direction
    x: Annotated[float, Field(description="Where the templates differ most.")]
    y: Annotated[float, Field(description="Where they differ most beside that.")]


class MapAnswer(BaseModel):
    """The newest templates of a gallery, projected onto their two principal components."""

    checkpoint: Annotated[str | None, Field(description="The one that serves.")]
    templates: Annotated[int, Field(description="Of it, in the gallery.")]
    share_x: Annotated[float, Field(description="Share of all variance that x shows, 0 to 1.")]
    share_y: float
    points: Annotated[list[PointRow], Field(description="Oldest first.")]

    @classmethod
    def of(cls, drawn: GalleryMap) -> MapAnswer:
        return cls(
            checkpoint=drawn.checkpoint,
            templates=drawn.templates,
            share_x=round(drawn.shares[0], 4),
            share_y=round(drawn.shares[1], 4),
            points=[PointRow.model_validate(point, from_attributes=True) for point in drawn.points],
        )


@router.get("/galleries/{gallery}/map", responses=problems(404, 422))
@needs("subjects:read")
def get_gallery_map(
    services: Parts,
    gallery: OwnGallery,
    most: Annotated[int, Query(ge=1, le=MOST_POINTS, description="Points.")] = MOST_POINTS,
) -> MapAnswer:
    """Who walks like whom: templates that lie close to each other are alike.

    Two numbers of hundreds tell only a part, whose size is said. Decisions do not use them.
    """
    return MapAnswer.of(services.registry.maps.draw(gallery, most=most))

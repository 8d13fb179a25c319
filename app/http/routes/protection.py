"""`/galleries/{gallery}/protection`: the secret rotation that a gallery's templates are under."""

from __future__ import annotations

from fastapi import APIRouter

from app.http.access import GuardedRoute, needs
from app.http.boundaries import OwnGallery
from app.http.gallery_schemas import GalleryRow
from app.http.schemas import problems
from app.http.services import Parts

router = APIRouter(tags=["galleries"], route_class=GuardedRoute)


@router.put("/galleries/{gallery}/protection", responses=problems(404, 409, 422))
@needs("admin")
def protect_gallery(services: Parts, gallery: OwnGallery) -> GalleryRow:
    """Stores a gallery's templates under a secret rotation; scores stay what they are.

    What a stolen table of templates then says of this gallery cannot be held against another one.
    All templates are rewritten, some seconds for 100,000; searches go on meanwhile.
    """
    return GalleryRow.of(services.registry.protection.protect(gallery))


@router.post("/galleries/{gallery}/protection/renewal", responses=problems(404, 409, 422))
@needs("admin")
def renew_protection(services: Parts, gallery: OwnGallery) -> GalleryRow:
    """Gives a protected gallery another secret: templates that were stolen match nothing now.

    Doing it again gives yet another secret, which does no harm.
    """
    return GalleryRow.of(services.registry.protection.renew(gallery))


@router.delete("/galleries/{gallery}/protection", responses=problems(404, 422))
@needs("admin")
def unprotect_gallery(services: Parts, gallery: OwnGallery) -> GalleryRow:
    """Stores a gallery's templates as the network gives them."""
    return GalleryRow.of(services.registry.protection.unprotect(gallery))

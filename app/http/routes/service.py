"""`/service`: what this service is made of, for those who run it."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.http.access import GuardedRoute, needs
from app.http.services import Parts

router = APIRouter(tags=["probes"], route_class=GuardedRoute)


class ServiceParts(BaseModel):
    """What a service is made of; no addresses, no secrets."""

    version: Annotated[str, Field(description="Of Walkprint.")]
    python: str
    database: Literal["SQLite", "PostgreSQL"]
    queue: Annotated[
        Literal["own", "broker"],
        Field(description="Whether this process does the jobs, or workers behind a broker."),
    ]
    index: Literal["exact", "approximate", "milvus"]
    storage: Annotated[
        Literal["folder", "bucket"], Field(description="Where uploads wait for their job.")
    ]
    encrypted: Annotated[bool, Field(description="Whether there is a master key.")]
    tokens: Annotated[bool, Field(description="Whether tokens of an issuer are accepted.")]


@router.get("/service")
@needs("admin", everywhere=True)
def get_service(services: Parts) -> ServiceParts:
    """Versions, and which parts were chosen. Whether they work is said by `/readyz`."""
    settings = services.settings
    return ServiceParts(
        version=version("walkprint"),
        python=platform.python_version(),
        database="SQLite" if services.registry.is_embedded else "PostgreSQL",
        queue="own" if settings.broker_url is None else "broker",
        index=settings.index,
        storage="folder" if settings.storage_place.bucket is None else "bucket",
        encrypted=settings.has_master_key,
        tokens=settings.oidc_issuer is not None,
    )

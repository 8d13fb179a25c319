"""The shapes of what is said about galleries, and of what can be changed of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from app import registry
from app.registry.gallery_rules import RuleName


class GalleryRow(BaseModel):
    """A named set of subjects that is searched together."""

    name: str
    number: Annotated[int, Field(description="As the audit log names it; never used again.")]
    subjects: int
    revision: Annotated[int, Field(description="Rises with every change of a template.")]
    created_at: datetime
    protected: Annotated[
        bool,
        Field(description="Whether templates are stored under a secret rotation of the gallery."),
    ]
    walks_per_subject: Annotated[
        int | None, Field(description="Most walks kept of one subject; null keeps all.")
    ]
    keep_walks_days: Annotated[
        int | None, Field(description="Age at which walks are erased; null keeps them.")
    ]
    keep_subjects_days: Annotated[
        int | None,
        Field(description="Days after their newest walk at which subjects are erased, or null."),
    ]

    @classmethod
    def of(cls, gallery: registry.Gallery) -> GalleryRow:
        return cls(
            name=gallery.name,
            number=gallery.id,
            subjects=gallery.subjects,
            revision=gallery.revision,
            created_at=gallery.created_at,
            protected=gallery.is_protected,
            **asdict(gallery.rules),
        )


class GalleryRows(BaseModel):
    galleries: list[GalleryRow]


class GalleryName(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class GalleryChanges(BaseModel):
    """What is left out stays; `null` lifts a rule."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"walks_per_subject": 8, "keep_walks_days": None}},
    )

    name: Annotated[str, Field(description="The new name.")] = ""
    walks_per_subject: Annotated[
        StrictInt | None,
        Field(
            description=(
                "Keep only the best so many walks of each subject, 1 to 1000. Applied to a subject"
                " at the next enrolment; walks that are too many are erased."
            )
        ),
    ] = None
    keep_walks_days: Annotated[
        StrictInt | None, Field(description="Erase walks of this age in days, 1 to 36500.")
    ] = None
    keep_subjects_days: Annotated[
        StrictInt | None,
        Field(description="Erase subjects so many days after their newest walk, 1 to 36500."),
    ] = None

    def rules(self) -> dict[RuleName, int | None]:
        """The rules that the call names."""
        named: dict[RuleName, int | None] = {
            "walks_per_subject": self.walks_per_subject,
            "keep_walks_days": self.keep_walks_days,
            "keep_subjects_days": self.keep_subjects_days,
        }
        return {rule: value for rule, value in named.items() if rule in self.model_fields_set}

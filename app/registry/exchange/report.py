"""What an import did."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass
from operator import add


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one batch, or of several; see `ImportReport`."""

    subjects_added: int = 0
    subjects_known: int = 0
    walks_added: int = 0
    walks_known: int = 0
    templates_added: int = 0
    templates_left_out: int = 0
    walks_without_template: int = 0
    walks_of_other_size: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*map(add, astuple(self), astuple(other)))


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        gallery: name of the gallery.
        created: whether the import made the gallery, with the rules of the file.
        checkpoint: id of the checkpoint that serves; None in a database no service has opened.
        subjects_added: new here.
        subjects_known: in the gallery before; their names and metadata stayed as they were.
        walks_added: new here.
        walks_known: in the gallery before, and skipped.
        templates_added: of the new walks.
        templates_left_out: of the new walks, by checkpoints that are not installed here.
        walks_without_template: new walks that searches cannot find yet, for they have no template
            by the checkpoint that serves.
        walks_of_other_size: new walks whose image has another size than that checkpoint takes: it
            can never embed them.
    """

    gallery: str
    created: bool
    checkpoint: str | None
    subjects_added: int
    subjects_known: int
    walks_added: int
    walks_known: int
    templates_added: int
    templates_left_out: int
    walks_without_template: int
    walks_of_other_size: int

    @classmethod
    def of(cls, gallery: str, created: bool, checkpoint: str | None, tally: Tally) -> ImportReport:
        """The report of an import that did this."""
        return cls(gallery=gallery, created=created, checkpoint=checkpoint, **asdict(tally))

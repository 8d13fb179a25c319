"""Some thousand walks of a gallery file enter the database in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    LargeBinary,
    String,
    Text,
    bindparam,
    column,
    select,
    table,
    update,
)

from app.registry.bulk_insert import insert_many
from app.registry.columns import UtcDateTime
from app.registry.exchange.lines import SubjectLine, WalkLine
from app.registry.exchange.parsing import json_text
from app.registry.exchange.receiver import Receiver
from app.registry.exchange.report import Tally
from app.registry.revision import Raised
from app.registry.sealing import Vault
from app.registry.tables import subjects, walks
from app.registry.template_rows import TemplateRow, insert_templates

_LOOKED_UP_AT_ONCE = 1000

Item = TypeVar("Item")

_SUBJECTS = table(
    "subjects",
    column("gallery_id", BigInteger),
    column("external_id", String),
    column("name", String),
    column("metadata", Text),
    column("created_at", UtcDateTime),
    column("updated_at", UtcDateTime),
)
_SUBJECT_TYPES = ("int8", "varchar", "varchar", "text", "timestamptz", "timestamptz")
_WALKS = table(
    "walks",
    column("id", String),
    column("subject_id", BigInteger),
    column("created_at", UtcDateTime),
    column("gei", LargeBinary),
    column("data_key_id", BigInteger),
    column("quality", Text),
    column("source", Text),
    column("direction", String),
)
_WALK_TYPES = ("varchar", "int8", "timestamptz", "bytea", "int8", "text", "text", "varchar")

_KNOWN_WALKS = (
    select(walks.c.id, subjects.c.gallery_id)
    .join(subjects, subjects.c.id == walks.c.subject_id)
    .where(walks.c.id.in_(bindparam("ids", expanding=True)))
)
_KNOWN_SUBJECTS = select(subjects.c.external_id, subjects.c.id).where(
    subjects.c.gallery_id == bindparam("gallery_id"),
    subjects.c.external_id.in_(bindparam("ids", expanding=True)),
)


class InAnotherGallery(Exception):
    """A walk of the batch belongs to another gallery; `read` is that walk."""

    def __init__(self, read: ReadWalk) -> None:
        super().__init__(read.walk.id)
        self.read = read


@dataclass(slots=True)
class ReadSubject:
    """A subject of the file.

    Attributes:
        subject: their line.
        walks: how many walks of theirs were read so far.
        found: what they were when they were first looked for; None before that.
    """

    subject: SubjectLine
    walks: int = 0
    found: Literal["added", "known"] | None = None


@dataclass(frozen=True, slots=True)
class ReadWalk:
    """A walk of the file, with whose it is and the line it came from."""

    line: int
    owner: ReadSubject
    walk: WalkLine


@dataclass(slots=True)
class Batch:
    """What was read and not yet written.

    Attributes:
        subjects: those whose lines are complete.
        walks: in the order of the file.
        read_bytes: length of the lines it was read from.
    """

    subjects: list[ReadSubject] = field(default_factory=list)
    walks: list[ReadWalk] = field(default_factory=list)
    read_bytes: int = 0


def write_batch(
    connection: Connection,
    vault: Vault,
    raised: Raised,
    batch: Batch,
    receiver: Receiver,
    now: datetime,
) -> Tally:
    """Writes what is not there yet.

    A subject is added with their first walk that is new here, or if they have none in the file: one
    whose walks are all known may have been merged into another since the export.

    Args:
        connection: of the transaction that raised the gallery's revision.
        vault: encrypts what is written.
        raised: the gallery.
        batch: what to write.
        receiver: which templates are wanted here.
        now: in UTC; nothing is stored with a later time.

    Returns:
        What was done, if the transaction is committed.

    Raises:
        InAnotherGallery: nothing may be committed.
    """
    new_walks = _new_walks(connection, raised, batch.walks)
    wanted = {id(each.owner): each.owner for each in new_walks}
    wanted |= {id(each): each for each in batch.subjects if each.walks == 0}
    ids = _put_subjects(connection, raised, list(wanted.values()), now)
    owners = [ids[each.owner.subject.subject] for each in new_walks]
    sealing = vault.sealing(connection, owners)
    insert_many(
        connection,
        _WALKS,
        _WALK_TYPES,
        [
            (
                each.walk.id,
                owner_id,
                min(each.walk.created_at, now),
                *sealing.gei(owner_id, each.walk.id, each.walk.gei_png),
                each.walk.quality,
                each.walk.source,
                each.walk.direction,
            )
            for owner_id, each in zip(owners, new_walks, strict=True)
        ],
    )
    rotation = raised.rotation.opened(vault)
    kept = [
        TemplateRow(
            each.walk.id,
            raised.gallery_id,
            owner_id,
            checkpoint_id,
            *sealing.vector_bytes(
                owner_id, each.walk.id, checkpoint_id, rotation.turned_bytes(vector)
            ),
            raised.revision,
        )
        for owner_id, each in zip(owners, new_walks, strict=True)
        for checkpoint_id, vector in each.walk.vectors.items()
        if checkpoint_id in receiver.checkpoints
    ]
    insert_templates(connection, kept)
    added = sum(each.found == "added" for each in batch.subjects)
    takes = receiver.gei_size
    return Tally(
        subjects_added=added,
        subjects_known=len(batch.subjects) - added,
        walks_added=len(new_walks),
        walks_known=len(batch.walks) - len(new_walks),
        templates_added=len(kept),
        templates_left_out=sum(len(each.walk.vectors) for each in new_walks) - len(kept),
        walks_without_template=sum(receiver.serving not in each.walk.vectors for each in new_walks),
        walks_of_other_size=sum(
            takes is not None and each.walk.gei_size != (takes.height, takes.width)
            for each in new_walks
        ),
    )


def _new_walks(connection: Connection, raised: Raised, read: Sequence[ReadWalk]) -> list[ReadWalk]:
    """Those that are not here yet; of two with one id the first."""
    known: dict[str, int] = {}
    for some in _in_parts([each.walk.id for each in read]):
        known.update((row[0], row[1]) for row in connection.execute(_KNOWN_WALKS, {"ids": some}))
    new: dict[str, ReadWalk] = {}
    for each in read:
        gallery_id = known.get(each.walk.id)
        if gallery_id is None:
            new.setdefault(each.walk.id, each)
        elif gallery_id != raised.gallery_id:
            raise InAnotherGallery(each)
    return list(new.values())


def _put_subjects(
    connection: Connection, raised: Raised, wanted: Sequence[ReadSubject], now: datetime
) -> dict[str, int]:
    """Adds the subjects that are not here; returns the numbers of all, by the caller's id."""
    names = [each.subject.subject for each in wanted]
    ids = _subject_ids(connection, raised, names)
    new: dict[str, SubjectLine] = {}
    changed: list[int] = []
    for each in wanted:
        subject = each.subject
        known_id = ids.get(subject.subject)
        if known_id is None:
            # The same subject may come twice in a file.
            is_first = new.setdefault(subject.subject, subject) is subject
            each.found = "added" if is_first else "known"
            continue
        each.found = each.found or "known"
        if each.found == "known" and each.walks:
            changed.append(known_id)
    insert_many(
        connection,
        _SUBJECTS,
        _SUBJECT_TYPES,
        [
            (
                raised.gallery_id,
                subject.subject,
                subject.name,
                json_text(subject.metadata),
                min(subject.created_at, now),
                min(subject.updated_at, now),
            )
            for subject in new.values()
        ],
    )
    for some in _in_parts(changed):
        connection.execute(update(subjects).where(subjects.c.id.in_(some)).values(updated_at=now))
    return ids | _subject_ids(connection, raised, list(new))


def _subject_ids(connection: Connection, raised: Raised, names: Sequence[str]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for some in _in_parts(names):
        which = {"gallery_id": raised.gallery_id, "ids": some}
        ids.update((row[0], row[1]) for row in connection.execute(_KNOWN_SUBJECTS, which))
    return ids


def _in_parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Short enough for one IN list each."""
    for start in range(0, len(items), _LOOKED_UP_AT_ONCE):
        yield items[start : start + _LOOKED_UP_AT_ONCE]

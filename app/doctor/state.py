"""Where the service keeps its state: folders, room on the disk, database, storage."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from app.doctor.finding import Finding, broken, doubtful, fine
from app.settings import Settings

_MIB = 1024 * 1024
_LITTLE_BYTES = 200 * _MIB  # less cannot hold one upload of the default limit


def data_folder(settings: Settings) -> Iterator[Finding]:
    """Whether the data folder can be written to, and has room."""
    folder = settings.data.resolve()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        yield broken("data folder", f"{there} is no folder.", "Name another with WALKPRINT_DATA.")
        return
    refused = _cannot_write(there)
    if refused:
        advice = f"chown or chmod {there}, or name another folder with WALKPRINT_DATA."
        yield broken("data folder", f"{there} cannot be written to: {refused}.", advice)
        return
    mode = folder.stat().st_mode & 0o077 if folder.exists() else 0
    if mode:
        says = f"{folder} can be looked into by others on this machine ({mode | 0o700:o})."
        yield doubtful("data folder", says, f"chmod 700 {folder}")
    else:
        new = "" if folder.exists() else ", made at the first start"
        yield fine("data folder", f"{folder}{new}")
    yield _room(there, settings)


def _room(folder: Path, settings: Settings) -> Finding:
    free_bytes = shutil.disk_usage(folder).free
    says = f"{free_bytes / _MIB:,.0f} MiB are free"
    needed = settings.workers * settings.max_upload_bytes
    if free_bytes < _LITTLE_BYTES:
        return broken("disk", f"{says}.", f"Free some room beside {folder}.")
    if free_bytes < needed:
        advice = (
            f"{settings.workers} uploads of the largest size at once need {needed / _MIB:,.0f} MiB:"
            " free some room, or lower WALKPRINT_MAX_UPLOAD_BYTES."
        )
        return doubtful("disk", f"{says}.", advice)
    return fine("disk", says)


def _cannot_write(folder: Path) -> str:
    """Why a file cannot be made in a folder; empty where it can."""
    probe = folder / f".walkprint-doctor-{uuid.uuid4().hex}"
    try:
        descriptor = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as refused:
        return refused.strerror or type(refused).__name__
    os.close(descriptor)
    probe.unlink()
    return ""


def database(settings: Settings) -> Iterator[Finding]:
    """Whether the database answers, is whole, and knows the tables of this version."""
    from app.outages import Outage  # SQLAlchemy takes its time
    from app.registry import Registry
    from app.registry.engines import parsed_url
    from app.registry.migration import NewerDatabase
    from app.registry.sealing.settings import CannotDecrypt, require_usable_keys

    try:
        address = parsed_url(settings.resolved_database_url)
    except ValueError as wrong:
        yield broken("database", f"{wrong}.", "Correct WALKPRINT_DATABASE_URL.")
        return
    in_a_file = address.drivername == "sqlite"
    # To open it would make it.
    if in_a_file and not Path(str(address.database)).exists():
        yield fine("database", "made at the first start")
        return
    registry = Registry.open(settings.resolved_database_url)
    try:
        registry.ping()
        pending = registry.pending_revisions()
    except Outage as outage:
        yield broken("database", outage.detail, "Start it, or correct WALKPRINT_DATABASE_URL.")
        return
    except NewerDatabase as newer:
        yield broken("database", f"{newer}", "Install the newer Walkprint, or restore a backup.")
        return
    except Exception as failed:
        says = f"The database cannot be read ({type(failed).__name__})."
        advice = "Restore a backup (walkprint restore), or look at the database server's log."
        yield broken("database", says, advice)
        return
    finally:
        registry.close()
    kind = "SQLite" if in_a_file else "PostgreSQL"
    behind = f"; the next start migrates it ({', '.join(pending)})" if pending else ", up to date"
    yield fine("database", f"{kind} answers{behind}")
    try:
        require_usable_keys(settings)
    except CannotDecrypt as locked:
        yield broken("master keys", str(locked), "See docs/encryption.md.")
    else:
        says = "those that the data need are set" if settings.has_master_key else "none needed"
        yield fine("master keys", says)


def storage(settings: Settings) -> Iterator[Finding]:
    """Whether uploads can be put where all machines see them; the data folder was looked at."""
    place = settings.storage_place
    if place.bucket is not None:
        yield _bucket(settings, place.bucket)
    elif place.folder is not None:
        folder = Path(place.folder)
        refused = _cannot_write(folder)
        if refused:
            says = f"{folder} cannot be written to: {refused}."
            yield broken("storage", says, "Mount it, or correct its rights or WALKPRINT_STORAGE.")
        else:
            yield fine("storage", f"{folder}")


def _bucket(settings: Settings, name: str) -> Finding:
    from app.outages import Outage
    from app.worker.storage.bucket import Bucket  # s3fs

    bucket = Bucket(name, settings.storage_place.prefix, settings.storage_endpoint)
    key = f"doctor/{uuid.uuid4().hex}"
    try:
        bucket.put(key, b"walkprint")
        bucket.delete([key])
    except (Outage, OSError) as refused:
        detail = refused.detail if isinstance(refused, Outage) else str(refused)
        advice = "See docs/storage.md: WALKPRINT_STORAGE, WALKPRINT_STORAGE_ENDPOINT, credentials."
        return broken("storage", f"The bucket cannot be written to: {detail}", advice)
    finally:
        bucket.close()
    return fine("storage", f"bucket {name}")

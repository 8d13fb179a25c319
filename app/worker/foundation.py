"""What every process of the service stands on, whether it answers calls, works, or both."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version

from app.outages import Outage
from app.registry import Registry
from app.registry.sealing.settings import master_key_source
from app.registry.signing import Signer, open_signer
from app.settings import Settings
from app.tracing import Traces
from app.worker.instance import Instance
from app.worker.storage import UploadStorage, open_storage


class CannotStart(Exception):
    """A process was told to do what it never could; the message says why."""


class DatabaseNotThere(CannotStart):
    """A process was started, but its database does not answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Foundation:
    """The parts below all others.

    Attributes:
        instance: this process.
        signer: the service's own key.
        registry: migrated.
        storage: where uploads lie.
    """

    instance: Instance
    signer: Signer
    registry: Registry
    storage: UploadStorage


def lay(settings: Settings, stack: ExitStack) -> Foundation:
    """Opens the parts in the order of dependence; the stack closes them in reverse.

    Raises:
        MasterKeyMissing: something is encrypted under a key that is not in the settings.
    """
    # Before the database is opened: a restore may be about to replace it.
    instance = Instance.enter(settings.data / "instances")
    stack.callback(instance.leave)
    signer = open_signer(settings.signing_key_file)
    registry = Registry.open(
        settings.resolved_database_url,
        connections=settings.database_connections,
        signer=signer,
        master_keys=master_key_source(settings),
    )
    stack.callback(registry.close)
    registry.migrate()
    registry.require_master_keys()
    storage = open_storage(settings, instance.id)
    stack.callback(lambda: storage.close(set(registry.jobs.referenced_uploads())))
    return Foundation(instance, signer, registry, storage)


def traces_of(settings: Settings, service: str) -> Traces:
    """Where the spans of a process go.

    Args:
        settings: name the collector.
        service: the process's name in traces.
    """
    return Traces(
        settings.traces,
        service=service,
        version=version("walkprint"),
        ratio=settings.traces_ratio,
    )


def require_database(url: str) -> None:
    """Says in one sentence what a start would say in a page.

    Args:
        url: of the database that the settings name.

    Raises:
        DatabaseNotThere: it does not answer.
    """
    registry = Registry.open(url)
    try:
        registry.ping()
    except Outage as outage:
        raise DatabaseNotThere(f"{outage.detail} See WALKPRINT_DATABASE_URL.") from outage
    finally:
        registry.close()

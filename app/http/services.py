"""What the routes work with, handed in by hand through `app.state`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import Request

from app.http.access import Access
from app.http.console import Console
from app.http.event_stream import Streams
from app.http.job_events import Lookout
from app.http.turns import Turns
from app.registry import Registry
from app.registry.gallery_thresholds import GalleryThresholds
from app.registry.receipts import Receipts
from app.registry.signing import Signer
from app.settings import Settings
from app.telemetry import Metrics
from app.worker.checkpoint_desk import CheckpointDesk
from app.worker.desk import Desk

# An open stream costs a connection and a task; the database is asked once for all of them.
_STREAMS = 512
_STREAMS_OF_ONE = 64
_EXCHANGES = 4
"""Each holds a transaction or a thread for minutes; there are 40 threads for all requests."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one running service.

    Attributes:
        settings: as started.
        registry: subjects, walks, galleries, finished jobs.
        signer: the service's own key.
        receipts: of erasures, signed with it.
        desk: takes work in.
        checkpoints: takes checkpoints in and has them take over.
        metrics: of this process.
        checkpoint: the id of the weights that serve, None until a forward pass has been made;
            raises NotReady when they cannot be loaded.
        calibrate: measures a gallery's thresholds; raises NotReady while the weights load.
        console: the web page's files.
        access: tells who calls.
        lookout: looks after the jobs that streams are about.
        exchanges: galleries on their way out or in, of which few are served at once.
        streams: of events that are open.
    """

    settings: Settings
    registry: Registry
    signer: Signer
    receipts: Receipts
    desk: Desk
    checkpoints: CheckpointDesk
    metrics: Metrics
    checkpoint: Callable[[], str | None]
    calibrate: Callable[[str], GalleryThresholds]
    console: Console
    access: Access
    lookout: Lookout
    exchanges: Turns = field(default_factory=lambda: Turns(_EXCHANGES, "exports and imports"))
    streams: Streams = field(default_factory=lambda: Streams(_STREAMS, _STREAMS_OF_ONE))


def services_of(request: Request) -> Services:
    """The services of the application that got this request."""
    return cast(Services, request.app.state.services)


Parts = Annotated[Services, Depends(services_of)]

"""What a service has workers do besides jobs: small questions with an answer, as JSON.

No more than ids goes over the wire; uploads lie in storage and results in SQL.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from app.errors import InternalError, NotReady, problem_of
from app.outages import outage_of
from app.registry import IdempotencyKey, Registry
from app.registry.acting import acting_as, actor
from app.registry.gallery_thresholds import GalleryThresholds
from app.worker.outcomes import Json
from app.worker.storage import UploadStorage

_log = structlog.get_logger(__name__)


def errand(do: str, **arguments: object) -> bytes:
    """An errand as it goes over the wire, for whoever acts now."""
    return json.dumps({"do": do, "actor": actor(), "with": arguments}).encode()


@dataclass(frozen=True, slots=True)
class Errands:
    """The errands that a worker does.

    Attributes:
        registry: where their results are kept.
        storage: holds uploaded checkpoints.
        calibrate: measures a gallery's thresholds.
        shipped: the id of the checkpoint in this package; None while it is read.
    """

    registry: Registry
    storage: UploadStorage
    calibrate: Callable[[str], GalleryThresholds]
    shipped: Callable[[], str | None]

    def do(self, body: bytes) -> bytes:
        """Does one errand; what was wrong with it is an answer too.

        Args:
            body: an `errand`.

        Returns:
            `{"answer": …}` or `{"problem": …}` with a problem document, as JSON.
        """
        try:
            asked = json.loads(body)
            with acting_as(asked["actor"]):
                return json.dumps({"answer": self._do(asked["do"], asked["with"])}).encode()
        except Exception as error:
            problem = outage_of(error) or problem_of(error)
            if isinstance(problem, InternalError):
                _log.exception("an errand failed", support_id=problem.support_id)
            return json.dumps({"problem": problem.to_json()}).encode()

    def _do(self, do: str, arguments: Json) -> Json:
        match do:
            case "shipped":
                return {"checkpoint": self.shipped()}
            case "calibrate":
                measured = self.calibrate(str(arguments["gallery"]))
                return {"checkpoint": measured.checkpoint_id}
            case "install":
                return self._install(arguments)
            case _:
                raise NotReady("The worker is of another version and does not know this errand.")

    def _install(self, arguments: Json) -> Json:
        # Imported here, for it takes ONNX Runtime along, which the service can do without.
        from app.worker.checkpoint_files import install_upload  # noqa: PLC0415

        key = arguments["key"]
        checkpoint_id, created = install_upload(
            self.registry,
            self.storage,
            str(arguments["upload"]),
            str(arguments["filename"]),
            IdempotencyKey(**key) if isinstance(key, dict) else None,
        )
        return {"checkpoint": checkpoint_id, "created": created}

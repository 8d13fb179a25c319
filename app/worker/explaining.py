"""What an identification rests on: the document that is kept beside its answer when asked for."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence

from app.registry import Job
from app.search import SearchResult, ThresholdBasis
from app.search.strangers import strangers
from app.worker.walkers import Walker
from model.explanation import WalkExplanation, explained_walk
from model.gei import GeiConfig


def explains(job: Job) -> bool:
    """Whether the caller asked what the answer rests on."""
    return job.request.get("explain") is True


def explanations(
    walkers: Sequence[Walker],
    results: Sequence[SearchResult],
    basis: ThresholdBasis,
    config: GeiConfig,
) -> dict[int, bytes]:
    """Documents by the numbers of the walkers, as JSON (`app.http.explanation_schemas`).

    Args:
        walkers: who were searched; each one's best walk is explained.
        results: of their searches.
        basis: what the thresholds were read off.
        config: the settings of their images.
    """
    return {
        walker.number: _document(explained_walk(walker.best.walk, config), result, basis)
        for walker, result in zip(walkers, results, strict=True)
    }


def _document(walk: WalkExplanation, result: SearchResult, basis: ThresholdBasis) -> bytes:
    document = {
        "frame_width": walk.frame_width,
        "frame_height": walk.frame_height,
        "frames_per_second": walk.frames_per_second,
        "masks": [
            {
                "frame": mask.frame,
                "top": mask.top,
                "left": mask.left,
                "png": b64encode(mask.png).decode(),
            }
            for mask in walk.masks
        ],
        "strip": b64encode(walk.strip_png).decode(),
        "strip_silhouettes": walk.strip_silhouettes,
        "legs": [{"frame": frame, "spread": spread} for frame, spread in walk.legs],
        "correlation": walk.correlation,
        "period_frames": walk.period_frames,
        "strangers": [
            {"score": round(each.score, 6), "share": round(each.share, 6)}
            for each in strangers(result, basis)
        ],
    }
    return json.dumps(document, separators=(",", ":")).encode()

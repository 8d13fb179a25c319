"""What recognises: the checkpoint's file, the device, the segmenter."""

from __future__ import annotations

from collections.abc import Iterator

from app.doctor.finding import Finding, broken, doubtful, fine
from app.settings import Settings


def checkpoint(settings: Settings) -> Iterator[Finding]:
    """Whether the weights are whole, and embed on the device and runtime that are set."""
    # Imported late: these take seconds, and may be what is broken.
    import numpy as np

    from model.checkpoint import (
        CheckpointNotReadable,
        content_id,
        default_checkpoint_path,
        load_checkpoint,
    )
    from model.cpu_runtimes import RuntimeNotInstalled
    from model.encoder import DeviceNotAvailable, Encoder

    path = settings.checkpoint or default_checkpoint_path()
    again = "Fetch the file again, or name another with WALKPRINT_CHECKPOINT."
    try:
        loaded = load_checkpoint(path)
    except CheckpointNotReadable as damaged:
        yield broken("checkpoint", f"{damaged}.", again)
        return
    if content_id(loaded) != loaded.checkpoint_id:
        says = f"{path.name} says it is {loaded.checkpoint_id}, but holds {content_id(loaded)}."
        yield broken("checkpoint", says, again)
        return
    yield fine("checkpoint", f"{loaded.checkpoint_id}, its checksum is right")
    try:
        encoder = Encoder(loaded, device=settings.device, runtime=settings.runtime)
        blank_nhw = np.zeros((1, loaded.gei.height, loaded.gei.width), np.uint8)
        size = encoder.encode(blank_nhw).shape[1]
    except DeviceNotAvailable as missing:
        yield broken("device", f"{missing}", "WALKPRINT_DEVICE=auto takes what is there.")
        return
    except (RuntimeNotInstalled, ImportError, RuntimeError) as failed:
        advice = "WALKPRINT_RUNTIME=auto takes what is installed; see packages above."
        yield broken("device", f"{failed}", advice)
        return
    if settings.runtime == "auto" and encoder.runtime == "onnxruntime":
        advice = "pip install openvino: embeddings cost half of the time."
        yield doubtful("device", "ONNX Runtime embeds; OpenVINO is not installed.", advice)
        return
    where = f"{encoder.device}, {encoder.runtime}"
    yield fine("device", f"{where}: a blank walk became {size} numbers")


def segmenter(settings: Settings) -> Finding:
    """Whether people can be told from the scene as the settings say."""
    from app.worker.segmenter import segmenter_of  # OpenCV
    from model.capture.person_network import SegmenterNotUsable

    try:
        segmenter_of(settings)
    except SegmenterNotUsable as unusable:
        return broken("segmenter", str(unusable), "See docs/segmenter.md, WALKPRINT_SEGMENTER.")
    kind = "background" if settings.segmentation_network is None else "a network of your own"
    return fine("segmenter", kind)

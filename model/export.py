"""A checkpoint as one file for other runtimes: ONNX or OpenVINO, compared with torch on the way.

Shape letters: N walks, C channels, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import importlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from model.checkpoint import Checkpoint
from model.cpu_runtimes import Forward, onnxruntime_forward, openvino_forward
from model.datasets.walker_recipe import WalkerSetConfig, takes_of
from model.exported_metadata import ExportedMetadata, ExportPrecision
from model.onnx_graph import onnx_model
from model.torch_forward import build_network

ExportFormat = Literal["onnx", "openvino"]

SUFFIXES: dict[ExportFormat, str] = {"onnx": ".onnx", "openvino": ".xml"}
# Smallest cosine between an embedding of the exported network and torch's, over all walks compared.
LEAST_COSINE: dict[ExportPrecision, float] = {"fp32": 0.9999, "fp16": 0.999}
_FIRST_WALKER = 9_700_000  # not among those trained, evaluated or calibrated on


class ExportNotReadable(Exception):
    """The file is not a network that Walkprint exported."""


class ExportTooFarOff(Exception):
    """The exported network gives other embeddings than the checkpoint; nothing was written."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported network, opened.

    Attributes:
        metadata: how to use it.
        forward: float32 (N, C, H, W) in [0, 1] → float32 (N, D), in float32 on the CPU.
    """

    metadata: ExportedMetadata
    forward: Forward


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written, and how near it is to the checkpoint.

    Attributes:
        path: the file; an OpenVINO model has a .bin of the same name beside it.
        size_bytes: of all files.
        walks: generated walks that were embedded by both.
        smallest_cosine: between the embeddings of one walk.
    """

    path: Path
    size_bytes: int
    walks: int
    smallest_cosine: float


def export_checkpoint(
    checkpoint: Checkpoint,
    path: Path,
    *,
    form: ExportFormat = "onnx",
    precision: ExportPrecision = "fp32",
    walkers: int = 16,
) -> ExportReport:
    """Writes the file, whole and compared with the checkpoint, or not at all.

    Args:
        checkpoint: what to export; its `mirror_average` stays the caller's business.
        path: ends in the format's suffix, see `SUFFIXES`; an existing file is replaced.
        form: of the file.
        precision: of the stored weights; see `onnx_model`.
        walkers: generated people whose walks are compared, four of each.

    Raises:
        ExportTooFarOff: a walk's embedding is not what the checkpoint gives.
        ValueError: the path ends otherwise.
    """
    if path.suffix != SUFFIXES[form]:
        raise ValueError(f"a file of format {form} ends in {SUFFIXES[form]}, not {path.name}")
    geis_nhw = walker_geis_nhw(checkpoint, walkers)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        draft = Path(folder) / path.name
        _write(checkpoint, draft, form, precision)
        smallest = smallest_cosine(open_export(draft), checkpoint, geis_nhw)
        if not smallest >= LEAST_COSINE[precision]:
            raise ExportTooFarOff(
                f"cosine {smallest:.6f} with the checkpoint, where {precision} must reach"
                f" {LEAST_COSINE[precision]}"
            )
        files = sorted(Path(folder).iterdir())  # the .bin before the .xml that needs it
        size_bytes = sum(file.stat().st_size for file in files)
        for file in files:
            file.replace(path.parent / file.name)
    return ExportReport(path, size_bytes, len(geis_nhw), smallest)


def open_export(path: Path) -> Exported:
    """Opens an exported network with the runtime of its format.

    Raises:
        ExportNotReadable: no file, damaged, or not an export of ours.
    """
    try:
        if path.suffix == ".xml":
            model = importlib.import_module("openvino").Core().read_model(path)
            properties = {
                name: str(value.value) for name, value in model.get_rt_info()["walkprint"].items()
            }
            return Exported(
                ExportedMetadata.from_properties(properties),
                openvino_forward(path, precision="fp32"),
            )
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        properties = session.get_modelmeta().custom_metadata_map
        return Exported(ExportedMetadata.from_properties(properties), onnxruntime_forward(path))
    except Exception as error:  # the runtimes raise types of their own, without a common base
        msg = f"{path.name} is not a network that Walkprint exported: {error}"
        raise ExportNotReadable(msg) from error


def smallest_cosine(
    exported: Exported, checkpoint: Checkpoint, geis_nhw: NDArray[np.uint8]
) -> float:
    """Smallest cosine between the exported network's embeddings and torch's in float32."""
    images_nchw = geis_nhw[:, None].astype(np.float32) / np.float32(255.0)
    with torch.inference_mode():
        network = build_network(checkpoint)
        expected_nd = network(torch.from_numpy(images_nchw)).embedding_nd.numpy()
    vectors_nd = exported.forward(images_nchw)
    lengths_n = np.linalg.norm(vectors_nd, axis=1) * np.linalg.norm(expected_nd, axis=1)
    return float(((vectors_nd * expected_nd).sum(axis=1) / lengths_n).min())


def walker_geis_nhw(checkpoint: Checkpoint, walkers: int) -> NDArray[np.uint8]:
    """GEIs of generated people whom no network was trained on: uint8 (N, H, W)."""
    config = WalkerSetConfig(walks_per_identity=4, gei=checkpoint.gei)
    seeds = range(_FIRST_WALKER, _FIRST_WALKER + walkers)
    takes = [take for seed in seeds for take in takes_of(seed, config) if take is not None]
    return np.stack([take.gei_hw for take in takes])


def _write(
    checkpoint: Checkpoint, path: Path, form: ExportFormat, precision: ExportPrecision
) -> None:
    properties = ExportedMetadata.of(checkpoint, precision).to_properties()
    if form == "onnx":
        half = precision == "fp16"
        path.write_bytes(onnx_model(checkpoint, half_weights=half, properties=properties))
        return
    openvino = importlib.import_module("openvino")
    model = openvino.Core().read_model(onnx_model(checkpoint))
    for name, value in properties.items():
        model.set_rt_info(value, ["walkprint", name])
    openvino.save_model(model, path, compress_to_fp16=precision == "fp16")

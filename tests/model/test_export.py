"""An exported network is the checkpoint: same embeddings, any batch, its settings inside."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest

from model.checkpoint import Checkpoint
from model.export import (
    LEAST_COSINE,
    SUFFIXES,
    ExportFormat,
    ExportNotReadable,
    ExportTooFarOff,
    export_checkpoint,
    open_export,
    smallest_cosine,
    walker_geis_nhw,
)
from model.exported_metadata import ExportedMetadata, ExportPrecision
from model.network_config import NetworkConfig
from tests.model.untrained import untrained_checkpoint

_CONFIGS = [
    NetworkConfig(embedding_size=24, strips=4, last_stride=1),
    NetworkConfig(embedding_size=24, strips=1, last_stride=2),
    NetworkConfig(embedding_size=24, architecture="resnet50", last_stride=1),
]


@cache
def _checkpoint(config: NetworkConfig) -> Checkpoint:
    return untrained_checkpoint(config)


@pytest.mark.parametrize("config", _CONFIGS)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_an_export_embeds_generated_walks_as_torch_does(
    tmp_path: Path, form: ExportFormat, precision: ExportPrecision, config: NetworkConfig
) -> None:
    """Cosine of at least 0.9999 in fp32 and 0.999 in fp16, measured here once more."""
    checkpoint = _checkpoint(config)
    path = tmp_path / f"network{SUFFIXES[form]}"
    report = export_checkpoint(checkpoint, path, form=form, precision=precision, walkers=1)
    measured = smallest_cosine(open_export(path), checkpoint, walker_geis_nhw(checkpoint, 1))
    assert measured >= LEAST_COSINE[precision]
    assert report.smallest_cosine == pytest.approx(measured, abs=1e-6)
    assert report.size_bytes == sum(file.stat().st_size for file in tmp_path.iterdir())


@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_the_file_alone_says_how_to_use_it(tmp_path: Path, form: ExportFormat) -> None:
    """GEI settings, calibration, mirror averaging, checkpoint id and version come back equal."""
    checkpoint = replace(_checkpoint(_CONFIGS[0]), mirror_average=True)
    path = tmp_path / f"network{SUFFIXES[form]}"
    export_checkpoint(checkpoint, path, form=form, precision="fp16", walkers=1)
    metadata = open_export(path).metadata
    assert metadata == ExportedMetadata.of(checkpoint, "fp16")
    assert metadata.calibration.scores == checkpoint.calibration.scores
    assert metadata.mirror_average


@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_an_export_takes_batches_of_any_size(tmp_path: Path, form: ExportFormat) -> None:
    """A batch gives what its images give alone."""
    checkpoint = _checkpoint(_CONFIGS[1])
    path = tmp_path / f"network{SUFFIXES[form]}"
    export_checkpoint(checkpoint, path, form=form, walkers=1)
    forward = open_export(path).forward
    images_nchw = np.random.default_rng(5).random((5, 1, 64, 44), dtype=np.float32)
    alone_nd = np.concatenate([forward(image_chw[None]) for image_chw in images_nchw])
    np.testing.assert_allclose(forward(images_nchw), alone_nd, atol=1e-5)


def test_half_precision_halves_the_file(tmp_path: Path) -> None:
    """And it is a valid ONNX model."""
    checkpoint = _checkpoint(_CONFIGS[0])
    sizes: dict[ExportPrecision, int] = {}
    for precision in LEAST_COSINE:
        path = tmp_path / f"{precision}.onnx"
        report = export_checkpoint(checkpoint, path, precision=precision, walkers=1)
        sizes[precision] = report.size_bytes
        onnx.checker.check_model(str(path), full_check=True)
    assert sizes["fp16"] < 0.52 * sizes["fp32"]


def test_an_export_that_differs_is_not_written(tmp_path: Path) -> None:
    """Weights that no runtime can agree on (not a number) leave the folder as it was."""
    checkpoint = _checkpoint(_CONFIGS[1])
    broken = {**checkpoint.weights, "neck.bias": np.full(24, np.nan, np.float32)}
    with pytest.raises(ExportTooFarOff, match="cosine"):
        export_checkpoint(replace(checkpoint, weights=broken), tmp_path / "n.onnx", walkers=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["missing.onnx", "missing.xml", "noise.onnx", "foreign.onnx"])
def test_what_is_not_an_export_is_refused(tmp_path: Path, name: str) -> None:
    """No file, no model, or a model without our settings."""
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    input_ = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "foreign", [input_], [output])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset), tmp_path / "foreign.onnx")
    with pytest.raises(ExportNotReadable, match=name):
        open_export(tmp_path / name)

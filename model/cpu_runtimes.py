"""The network on a CPU, by ONNX Runtime or by OpenVINO; neither needs torch.

Both read the graph of `model.onnx_graph`. Which of them serves is decided in
docs/decisions/0006-openvino.md.

Shape letters: N walks, C channels, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Runtime = Literal["auto", "onnxruntime", "openvino"]
Precision = Literal["fp32", "bf16"]
Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]

_log = logging.getLogger(__name__)


class RuntimeNotInstalled(Exception):
    """OpenVINO was asked for by name, but is not installed."""


def choose_runtime(wanted: Runtime) -> Literal["onnxruntime", "openvino"]:
    """OpenVINO where it is installed, unless ONNX Runtime was asked for.

    Raises:
        RuntimeNotInstalled: OpenVINO was asked for and is missing.
    """
    if wanted == "onnxruntime":
        return "onnxruntime"
    if find_spec("openvino") is not None:
        return "openvino"
    if wanted == "openvino":
        msg = "OpenVINO is not installed; pip install openvino, or set WALKPRINT_RUNTIME=auto"
        raise RuntimeNotInstalled(msg)
    _log.info("OpenVINO is not installed; ONNX Runtime embeds, up to twice as slowly")
    return "onnxruntime"


def onnxruntime_forward(model: bytes | Path, threads: int | None = None) -> Forward:
    """The forward pass in float32.

    Args:
        model: an ONNX graph, serialised or a file, with the input `gei` and the output `embedding`.
        threads: of one pass; None takes all cores.

    Returns:
        float32 (N, C, H, W) → float32 (N, D); may be called from several threads.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.inter_op_num_threads = 1
    # A spinning worker doubles the CPU time of a small batch and takes it from the capture threads.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def forward(images_nchw: NDArray[np.float32]) -> NDArray[np.float32]:
        embedding_nd: NDArray[np.float32] = session.run(["embedding"], {"gei": images_nchw})[0]
        return embedding_nd

    return forward


def openvino_forward(
    model: bytes | Path, threads: int | None = None, *, precision: Precision = "fp32"
) -> Forward:
    """The forward pass in float32, or in bfloat16 where the processor multiplies it in hardware.

    Args:
        model: an ONNX graph, serialised or a file, or the .xml of an OpenVINO model.
        threads: of one pass; None takes all cores.
        precision: "bf16" is up to twice as fast and moves embeddings: those of the shipped weights
            to a cosine of 0.998. A processor without it computes in float32 whatever is asked.

    Returns:
        float32 (N, C, H, W) → float32 (N, D); calls from several threads take turns.
    """
    # Imported late: it costs a start that does not need it a tenth of a second.
    openvino = importlib.import_module("openvino")
    core = openvino.Core()
    hardware = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    half = "BF16" in hardware and precision == "bf16"
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
        "INFERENCE_NUM_THREADS": threads or os.cpu_count() or 1,
        "NUM_STREAMS": 1,
        # Several services on one machine would all be pinned to its first cores.
        "ENABLE_CPU_PINNING": False,
    }
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    request = compiled.create_infer_request()
    turn = threading.Lock()  # one request holds one set of tensors

    def forward(images_nchw: NDArray[np.float32]) -> NDArray[np.float32]:
        with turn:
            outputs = request.infer([np.ascontiguousarray(images_nchw)], share_inputs=True)
            embedding_nd: NDArray[np.float32] = np.array(outputs[0], np.float32)
        return embedding_nd

    return forward

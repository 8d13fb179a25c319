"""A checkpoint as an ONNX graph, written from its tensors without torch.

A service on a CPU needs neither torch's seconds of import nor its memory. Every norm is folded
into the convolution before it; `tests/model/test_encoder.py` holds the graph to the torch
network.

Shape letters: N walks, C channels, H rows, W columns, D embedding size, F pooled features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from model.checkpoint import Checkpoint, Weights
from model.network_config import BLOCKS_PER_STAGE

OPSET = 17
IR_VERSION = 8  # the oldest that carries opset 17, so that older runtimes read the file
NORM_EPSILON = 1e-5  # torch.nn.BatchNorm's default, which the networks use


def onnx_model(
    checkpoint: Checkpoint,
    *,
    half_weights: bool = False,
    properties: Mapping[str, str] | None = None,
) -> bytes:
    """Builds the graph: `gei` float32 (N, C, H, W) in [0, 1] → `embedding` float32 (N, D), unit
    length.

    Args:
        checkpoint: what to write.
        half_weights: store weights as float16, which halves the file; runtimes widen them when
            they load it and may compute in whatever they do best.
        properties: the model's metadata; None names the checkpoint only.
    """
    return _GraphWriter(checkpoint, half_weights).write(
        properties or {"checkpoint_id": checkpoint.checkpoint_id}
    )


class _GraphWriter:
    def __init__(self, checkpoint: Checkpoint, half_weights: bool) -> None:
        self._checkpoint = checkpoint
        self._half_weights = half_weights
        self._weights: Weights = checkpoint.weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def write(self, properties: Mapping[str, str]) -> bytes:
        config = self._checkpoint.network
        maps = self._convolution("gei", "stem.convolution", "stem.norm", stride=2, relu=True)
        maps = self._node("MaxPool", [maps], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        for stage, blocks in enumerate(BLOCKS_PER_STAGE):
            for block in range(blocks):
                stride = config.stage_strides[stage] if block == 0 else 1
                maps = self._bottleneck(maps, f"stages.{stage}.{block}", stride)
        embedding = self._head(maps)
        image = [None, config.channels, config.height, config.width]
        graph = helper.make_graph(
            self._nodes,
            "walkprint",
            [helper.make_tensor_value_info("gei", TensorProto.FLOAT, image)],
            [helper.make_tensor_value_info(embedding, TensorProto.FLOAT, [None, None])],
            self._constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        helper.set_model_props(model, dict(properties))
        serialised: bytes = model.SerializeToString()
        return serialised

    def _bottleneck(self, maps: str, name: str, stride: int) -> str:
        inner = self._module(maps, f"{name}.reduce", stride=1, relu=True)
        inner = self._module(inner, f"{name}.spatial", stride=stride, relu=True)
        inner = self._module(inner, f"{name}.expand", stride=1, relu=False)
        has_shortcut = any(key.startswith(f"{name}.shortcut.") for key in self._weights)
        if has_shortcut:
            maps = self._module(maps, f"{name}.shortcut", stride=stride, relu=False)
        return self._node("Relu", [self._node("Add", [maps, inner])])

    def _module(self, maps: str, name: str, *, stride: int, relu: bool) -> str:
        if self._checkpoint.network.architecture == "resnet50":
            return self._convolution(
                maps, f"{name}.convolution", f"{name}.norm", stride=stride, relu=relu
            )
        primary = self._convolution(
            maps, f"{name}.primary", f"{name}.primary_norm", stride=stride, relu=relu
        )
        cheap = self._convolution(
            primary, f"{name}.cheap", f"{name}.cheap_norm", stride=1, relu=relu
        )
        return self._node("Concat", [primary, cheap], axis=1)

    def _convolution(self, maps: str, name: str, norm: str, *, stride: int, relu: bool) -> str:
        kernel_oihw = self._weights[f"{name}.weight"]
        scale_o, shift_o = self._norm(norm)
        size = int(kernel_oihw.shape[2])
        # A depthwise kernel has one input channel per group; so has a stem over a one-channel GEI.
        depthwise = name.endswith(".cheap")
        out = self._node(
            "Conv",
            [
                maps,
                self._constant(f"{name}.weight", kernel_oihw * scale_o[:, None, None, None]),
                self._constant(f"{name}.bias", shift_o),
            ],
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[size // 2] * 4,
            group=int(kernel_oihw.shape[0]) if depthwise else 1,
        )
        return self._node("Relu", [out]) if relu else out

    def _head(self, maps: str) -> str:
        """Strip pooling, embedding, BNNeck, unit length."""
        config = self._checkpoint.network
        rows = -(-config.height // 4)  # stem and pooling halve, rounding up
        for stride in config.stage_strides:
            rows = -(-rows // stride)
        scale_d, shift_d = self._norm("neck")
        weight_dc = self._weights["embedding.weight"] * scale_d[:, None]
        weights, shifts = (np.split(of_all, config.strips) for of_all in (weight_dc, shift_d))
        projected = []
        for strip in range(config.strips):  # as torch's adaptive pooling cuts the rows
            first, end = strip * rows // config.strips, -(-(strip + 1) * rows // config.strips)
            cut = self._node(
                "Slice",
                [
                    maps,
                    self._constant(f"strip{strip}.first", np.array([first], np.int64)),
                    self._constant(f"strip{strip}.end", np.array([end], np.int64)),
                    self._constant(f"strip{strip}.axis", np.array([2], np.int64)),
                ],
            )
            pooled = self._node("Flatten", [self._node("GlobalAveragePool", [cut])], axis=1)
            inputs = [
                pooled,
                self._constant(f"strip{strip}.weight", weights[strip]),
                self._constant(f"strip{strip}.bias", shifts[strip]),
            ]
            projected.append(self._node("Gemm", inputs, transB=1))
        normed = self._node("Concat", projected, axis=1)
        return self._node("LpNormalization", [normed], axis=1, p=2, output="embedding")

    def _norm(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A norm in evaluation as scale and shift."""
        variance = self._weights[f"{name}.running_var"]
        scale = self._weights[f"{name}.weight"] / np.sqrt(variance + NORM_EPSILON)
        shift = self._weights[f"{name}.bias"] - self._weights[f"{name}.running_mean"] * scale
        return scale.astype(np.float32), shift.astype(np.float32)

    def _constant(self, name: str, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        if not (self._half_weights and name.endswith(".weight")):
            self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
            return name
        stored = f"{name}.half"
        half = np.ascontiguousarray(value, dtype=np.float16)
        self._constants.append(numpy_helper.from_array(half, stored))
        return self._node("Cast", [stored], output=name, to=TensorProto.FLOAT)

    def _node(
        self,
        operator: str,
        inputs: list[str],
        *,
        output: str | None = None,
        **attributes: Any,
    ) -> str:
        output = output or f"{operator.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

"""A network as costly as GaitBase, to set one GEI's price beside thirty frames'.

Our own plain residual network with the widths and the cost per frame that OpenGait states for
GaitBase (a ResNet-9 of 64-128-256-512 channels over 64×44 silhouettes, 1.18 G multiply-adds a
frame). It recognises nobody; only its price matters, so it is written as ONNX with random weights.

Shape letters: T frames, C channels, H rows, W columns.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HEIGHT, WIDTH, FRAMES = 64, 44, 30
_WIDTHS = (64, 128, 256, 512)
_STRIDES = (1, 2, 2, 1)
_EMBEDDING = 256


def gaitbase_sized() -> tuple[bytes, int]:
    """The graph `gei` (T, 1, H, W) → `embedding` (T, D), and its multiply-adds per frame."""
    rng = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    total = 0
    rows, columns = HEIGHT, WIDTH

    def convolution(maps: str, inputs: int, outputs: int, stride: int, size: int = 3) -> str:
        nonlocal total
        name = f"convolution{len(nodes)}"
        scale = np.sqrt(2.0 / (inputs * size * size))
        weight = rng.normal(0.0, scale, (outputs, inputs, size, size)).astype(np.float32)
        constants.append(numpy_helper.from_array(weight, f"{name}.weight"))
        node = helper.make_node(
            "Conv",
            [maps, f"{name}.weight"],
            [name],
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[size // 2] * 4,
        )
        nodes.append(node)
        total += weight.size * (-(-rows // stride)) * (-(-columns // stride))
        return name

    def relu(*maps: str) -> str:
        name = f"relu{len(nodes)}"
        added = maps[0]
        if len(maps) == 2:
            added = f"{name}.sum"
            nodes.append(helper.make_node("Add", list(maps), [added]))
        nodes.append(helper.make_node("Relu", [added], [name]))
        return name

    maps, channels = relu(convolution("gei", 1, _WIDTHS[0], 1)), _WIDTHS[0]
    for width, stride in zip(_WIDTHS, _STRIDES, strict=True):
        inner = relu(convolution(maps, channels, width, stride))
        shortcut = maps
        if stride != 1 or width != channels:
            shortcut = convolution(maps, channels, width, stride, size=1)
        rows, columns = -(-rows // stride), -(-columns // stride)
        maps, channels = relu(shortcut, convolution(inner, width, width, 1)), width
    head = rng.normal(0.0, 0.01, (_EMBEDDING, channels)).astype(np.float32)
    constants.append(numpy_helper.from_array(head, "head"))
    nodes += [
        helper.make_node("GlobalAveragePool", [maps], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "head"], ["embedding"], transB=1),
    ]
    image = helper.make_tensor_value_info("gei", TensorProto.FLOAT, [None, 1, HEIGHT, WIDTH])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [None, _EMBEDDING])
    graph = helper.make_graph(nodes, "gaitbase-sized", [image], [embedding], constants)
    opset = [helper.make_opsetid("", 17)]
    serialised: bytes = helper.make_model(
        graph, opset_imports=opset, ir_version=8
    ).SerializeToString()
    return serialised, total + head.size

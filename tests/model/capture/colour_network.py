"""A small real network that knows people by the colour of their clothes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLOTHES_RGB = (230, 30, 200)
"""No backdrop of the tests comes near it."""
_REACH = 0.25
"""Distance in colour, of 0 to 1 per channel, at which a pixel may be a person's or not."""
_STEEPNESS = 60.0


def write_colour_network(
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    logits_of: int = 0,
    person_class: int = 0,
    mean: float = 0.0,
    std: float = 1.0,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Writes probability = sigmoid(steepness · (reach² − distance²)) as an ONNX graph.

    Args:
        path: where to.
        size: (rows, columns) of the input; None for any.
        logits_of: number of classes, for logits instead of probability.
        person_class: which of them is the person.
        mean: that was taken from the input, on all channels.
        std: by which it was divided then.
        metadata: of the file.
    """
    height, width = size or ("height", "width")
    colour_c = (np.array(CLOTHES_RGB, np.float32) / 255.0 - mean) / std
    constants = {
        "colour": colour_c.reshape(1, 3, 1, 1),
        "channels": np.array([1], np.int64),
        "reach": np.array(_REACH**2 / std**2, np.float32),
        "steepness": np.array(_STEEPNESS * std**2, np.float32),
    }
    nodes = [
        helper.make_node("Sub", ["image", "colour"], ["difference"]),
        helper.make_node("Mul", ["difference", "difference"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "channels"], ["distance"], keepdims=1),
        helper.make_node("Sub", ["reach", "distance"], ["within"]),
        helper.make_node("Mul", ["within", "steepness"], ["odds"]),
    ]
    if logits_of:
        constants["zero"] = np.array(0.0, np.float32)
        nodes.append(helper.make_node("Mul", ["odds", "zero"], ["nothing"]))
        classes = ["odds" if number == person_class else "nothing" for number in range(logits_of)]
        nodes.append(helper.make_node("Concat", classes, ["person"], axis=1))
    else:
        nodes.append(helper.make_node("Sigmoid", ["odds"], ["person"]))
    shape = (1, max(1, logits_of), height, width)
    graph = helper.make_graph(
        nodes,
        "people in known clothes",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, height, width))],
        [helper.make_tensor_value_info("person", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, str(path))
    return path

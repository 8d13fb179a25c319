"""What travels inside an exported network, so that the file alone says how to use it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Literal

from model.calibration import Calibration
from model.checkpoint import Checkpoint
from model.gei import GeiConfig
from model.network_config import NetworkConfig

ExportPrecision = Literal["fp32", "fp16"]

INPUT = "gei: float32 (N, C, H, W), the gray values of a gait energy image divided by 255"
OUTPUT = "embedding: float32 (N, D), unit length; a score is the dot product of two"


@dataclass(frozen=True, slots=True)
class ExportedMetadata:
    """The settings beside the weights.

    Attributes:
        checkpoint_id: of the checkpoint that was exported.
        network: the shape of the network.
        gei: how the GEIs are made that it reads.
        mirror_average: whether the caller has to average the embeddings of a GEI and of its mirror
            image; the file holds the network alone.
        calibration: from error rates to thresholds.
        precision: how the weights are stored.
        walkprint_version: that exported it.
    """

    checkpoint_id: str
    network: NetworkConfig
    gei: GeiConfig
    mirror_average: bool
    calibration: Calibration
    precision: ExportPrecision
    walkprint_version: str

    @classmethod
    def of(cls, checkpoint: Checkpoint, precision: ExportPrecision) -> ExportedMetadata:
        """The metadata of one export."""
        return cls(
            checkpoint_id=checkpoint.checkpoint_id,
            network=checkpoint.network,
            gei=checkpoint.gei,
            mirror_average=checkpoint.mirror_average,
            calibration=checkpoint.calibration,
            precision=precision,
            walkprint_version=version("walkprint"),
        )

    def to_properties(self) -> dict[str, str]:
        """One JSON value by name, as ONNX's `metadata_props` and OpenVINO's `rt_info` hold them."""
        described = asdict(self) | {"input": INPUT, "output": OUTPUT}
        return {name: json.dumps(value, ensure_ascii=False) for name, value in described.items()}

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> ExportedMetadata:
        """Reads what `to_properties` wrote.

        Raises:
            KeyError: a name is missing: not an export of ours.
            ValueError: a value is not JSON or not possible.
        """

        def read(name: str) -> Any:
            return json.loads(properties[name])

        curve = read("calibration")
        curve["false_match_rates"] = tuple(curve["false_match_rates"])
        curve["scores"] = tuple(curve["scores"])
        return cls(
            checkpoint_id=read("checkpoint_id"),
            network=NetworkConfig(**read("network")),
            gei=GeiConfig(**read("gei")),
            mirror_average=read("mirror_average"),
            calibration=Calibration(**curve),
            precision=read("precision"),
            walkprint_version=read("walkprint_version"),
        )

"""Reads a BVH motion file into joint positions.

Shape letters: T frames, J joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# BVH files stand with Y up, Z forwards and X to the left; walkers use X forwards, Y left, Z up.
_FORWARD_LEFT_UP = [2, 0, 1]


@dataclass(frozen=True)
class Motion:
    """Joint positions of one recording.

    Attributes:
        names: one per joint; the end of a chain is called `<joint>End`.
        positions_tj3: (T, J, 3) forwards, left, up, in the file's own unit of length.
        frames_per_second: of the capture.
    """

    names: tuple[str, ...]
    positions_tj3: NDArray[np.float64]
    frames_per_second: float

    def joint(self, name: str) -> NDArray[np.float64]:
        """(T, 3) positions of one joint; ValueError for an unknown name."""
        return self.positions_tj3[:, self.names.index(name)]


@dataclass(frozen=True)
class _Node:
    name: str
    parent: int
    offset_3: NDArray[np.float64]
    channels: tuple[str, ...]


def read_bvh(path: Path, *, drop_first_frames: int = 1) -> Motion:
    """Reads one file and places every joint by forward kinematics.

    Args:
        path: a BVH file with Euler rotations in degrees.
        drop_first_frames: the CMU conversion starts with an added T-pose.

    Raises:
        ValueError: when the file is not a BVH file or its numbers do not fit its hierarchy.
    """
    hierarchy, separator, motion = path.read_text(encoding="ascii").partition("MOTION")
    if not separator:
        raise ValueError(f"{path.name} has no MOTION section")
    nodes = _read_hierarchy(hierarchy.split())
    _, _, timing, *rows = motion.splitlines()
    values_tc = np.array([row.split() for row in rows if row.strip()], dtype=np.float64)
    if values_tc.shape[1] != sum(len(node.channels) for node in nodes):
        raise ValueError(f"{path.name}: channels and numbers do not fit")
    positions_tj3 = _place(nodes, values_tc[drop_first_frames:])
    return Motion(
        names=tuple(node.name for node in nodes),
        positions_tj3=positions_tj3[..., _FORWARD_LEFT_UP],
        frames_per_second=1.0 / float(timing.split(":")[1]),
    )


def _read_hierarchy(words: list[str]) -> list[_Node]:
    nodes: list[_Node] = []
    open_nodes: list[int] = []
    name = ""
    at = 0
    while at < len(words):
        word = words[at]
        if word in ("ROOT", "JOINT"):
            name = words[at + 1]
            at += 2
        elif word == "End":
            name = nodes[open_nodes[-1]].name + "End"
            at += 2
        elif word == "OFFSET":
            offset_3 = np.array(words[at + 1 : at + 4], dtype=np.float64)
            parent = open_nodes[-1] if open_nodes else -1
            at += 4
            channels: tuple[str, ...] = ()
            if words[at] == "CHANNELS":
                count = int(words[at + 1])
                channels = tuple(words[at + 2 : at + 2 + count])
                at += 2 + count
            open_nodes.append(len(nodes))
            nodes.append(_Node(name, parent, offset_3, channels))
        else:
            if word == "}":
                open_nodes.pop()
            at += 1
    return nodes


def _place(nodes: list[_Node], values_tc: NDArray[np.float64]) -> NDArray[np.float64]:
    frames = values_tc.shape[0]
    positions_tj3 = np.zeros((frames, len(nodes), 3))
    rotations: list[NDArray[np.float64]] = []
    column = 0
    for index, node in enumerate(nodes):
        shift_t3 = np.tile(node.offset_3, (frames, 1))
        local_t33 = np.tile(np.eye(3), (frames, 1, 1))
        for channel in node.channels:
            axis = "XYZ".index(channel[0])
            if channel.endswith("position"):
                shift_t3[:, axis] += values_tc[:, column]
            else:
                local_t33 = local_t33 @ _turn(axis, np.radians(values_tc[:, column]))
            column += 1
        if node.parent < 0:
            positions_tj3[:, index] = shift_t3
            rotations.append(local_t33)
        else:
            above_t33 = rotations[node.parent]
            moved_t3 = np.einsum("tab,tb->ta", above_t33, shift_t3)
            positions_tj3[:, index] = positions_tj3[:, node.parent] + moved_t3
            rotations.append(above_t33 @ local_t33)
    return positions_tj3


def _turn(axis: int, angles_t: NDArray[np.float64]) -> NDArray[np.float64]:
    one, two = (axis + 1) % 3, (axis + 2) % 3
    turn_t33 = np.zeros((angles_t.size, 3, 3))
    turn_t33[:, axis, axis] = 1.0
    turn_t33[:, one, one] = turn_t33[:, two, two] = np.cos(angles_t)
    turn_t33[:, two, one] = np.sin(angles_t)
    turn_t33[:, one, two] = -np.sin(angles_t)
    return turn_t33

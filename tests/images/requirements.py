"""Writes what each image installs: `python -m tests.images.requirements` (part of `make lock`).

From the lock file, `pyproject.toml` and what the installed distributions say they need: one pinned
list for each image of `docker/Dockerfile`, so that none is resolved anew when it is built.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[2]
_LOCK = _ROOT / "docker" / "constraints.txt"
# Decoding, the network and the search happen in workers.
_WORKERS_ONLY = frozenset(
    {"faiss-cpu", "onnx", "onnxruntime", "opencv-python-headless", "openvino", "scipy", "torch"}
)


@dataclass(frozen=True, slots=True)
class Image:
    """One target of the Dockerfile.

    Attributes:
        name: the target.
        extras: of Walkprint, that it gets.
        without: what of Walkprint's own dependencies it does without.
    """

    name: str
    extras: tuple[str, ...]
    without: frozenset[str]

    @property
    def path(self) -> Path:
        """The list that the Dockerfile installs."""
        return _ROOT / "docker" / f"requirements-{self.name}.txt"


IMAGES = (
    Image("api", ("s3",), _WORKERS_ONLY),
    # The CPU runs the network in OpenVINO or ONNX Runtime.
    Image("worker", ("milvus", "s3"), frozenset({"torch"})),
    Image("gpu", ("milvus", "s3"), frozenset()),
)


def locked(lock: Path = _LOCK) -> dict[str, str]:
    """The pinned versions: canonical name -> `name==version` as the lock file writes it."""
    lines = (line.strip() for line in lock.read_text(encoding="utf-8").splitlines())
    return {canonicalize_name(line.partition("==")[0]): line for line in lines if "==" in line}


def wanted(image: Image) -> list[Requirement]:
    """What Walkprint itself asks for in that image."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = list(project["dependencies"])
    for extra in image.extras:
        texts += project["optional-dependencies"][extra]
    return [
        each
        for each in map(Requirement, texts)
        if canonicalize_name(each.name) not in image.without
    ]


def closure(roots: list[Requirement]) -> set[str]:
    """Everything that these need on CPython 3.11 and Linux, by canonical name, with the roots."""
    seen: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(root.name), extra) for root in roots for extra in _extras(root)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for text in requires(name) or ():
            need = Requirement(text)
            here: dict[str, str] = {
                **{key: str(value) for key, value in default_environment().items()},
                "python_version": "3.11",
                "extra": extra,
            }
            if need.marker is None or need.marker.evaluate(here):
                waiting += [(canonicalize_name(need.name), each) for each in _extras(need)]
    return {name for name, _ in seen}


def _extras(requirement: Requirement) -> list[str]:
    """The extras that are asked for, and the package without any."""
    return ["", *sorted(requirement.extras)]


def text_of(image: Image) -> str:
    """The list of an image, as a requirements file.

    Raises:
        KeyError: something it needs is not in the lock file.
    """
    pins = locked()
    # Comes with Python's own tools, and no program of ours imports it.
    names = sorted(closure(wanted(image)) - {"setuptools"})
    head = (
        "# What the image installs, by `python -m tests.images.requirements` from the lock file"
        " (constraints.txt).\n"
    )
    return head + "".join(f"{pins[name]}\n" for name in names)


def distributions(image: Image) -> set[str]:
    """Canonical names in the list as it lies in the repository."""
    pattern = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
    return {canonicalize_name(name) for name in pattern.findall(image.path.read_text("utf-8"))}


def main() -> None:
    """Writes the lists."""
    for image in IMAGES:
        image.path.write_text(text_of(image), encoding="utf-8")


if __name__ == "__main__":
    main()

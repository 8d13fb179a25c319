"""The program of the decoding process: loads what decoding needs, then waits for uploads.

    python -I sandbox_boot.py DESCRIPTOR

DESCRIPTOR is the socket that `sandbox.py` sends requests over.
"""

from __future__ import annotations

import importlib
import socket
import sys
import types
from pathlib import Path


def _register_bare_packages() -> None:
    """Lets files of `model.capture` be imported, but not all that the package opens by itself.

    Segmentation brings libraries that take seconds to load and are of no use here.
    """
    folder = Path(__file__).resolve().parent
    for name, place in (("model", folder.parent), ("model.capture", folder)):
        package = types.ModuleType(name)
        package.__path__ = [str(place)]
        sys.modules[name] = package


if __name__ == "__main__":
    _register_bare_packages()
    nursery = importlib.import_module("model.capture.decoder_nursery")
    nursery.main(socket.socket(fileno=int(sys.argv[1])))

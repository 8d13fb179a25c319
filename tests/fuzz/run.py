"""Fuzzes one entrance: `python -m tests.fuzz.run video --minutes 20` (needs the extra "fuzz").

What raises the coverage is kept under runs/fuzz/ENTRANCE and is gone on with the next time; what
crashes, hangs or eats is written beside it as crash-*, timeout-* or oom-*.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import atheris

_MAX_INPUT_BYTES = 65_536
_MAX_SECONDS = 10
_MAX_MEMORY_MIB = 2048

with atheris.instrument_imports(include=["model", "zipfile", "tarfile", "gzip"]):
    from tests.fuzz.entrances import CORPUS, ENTRANCES


def main() -> None:
    """Reads the command line and fuzzes until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("entrance", choices=sorted(ENTRANCES))
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"))
    options = parser.parse_args()
    kept, found = options.out / options.entrance, options.out / f"{options.entrance}-found"
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    arguments = [
        sys.argv[0],
        f"-max_total_time={round(options.minutes * 60)}",
        f"-max_len={_MAX_INPUT_BYTES}",
        f"-timeout={_MAX_SECONDS}",
        f"-rss_limit_mb={_MAX_MEMORY_MIB}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
        str(kept),
        str(CORPUS / options.entrance),
    ]
    atheris.Setup(arguments, ENTRANCES[options.entrance])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

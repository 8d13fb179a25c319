"""What schemathesis cannot make up: walks, and gallery files. Loaded by its command.

Everything is decided by what schemathesis itself generated, so that a seed repeats a run.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import schemathesis

# A real walk and a real gallery file of the service under test.
_WALK = Path(os.environ["WALKPRINT_TEST_WALK"]).read_bytes()
_GALLERY = Path(os.environ["WALKPRINT_TEST_GALLERY"]).read_bytes()


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Half of the forms get a walk that can be recognised in the place of random bytes."""
    operation = context.operation
    is_form = isinstance(body, dict) and "walk" in body
    if operation is not None and is_form and zlib.crc32(repr(body).encode()) % 2 == 0:
        return {**body, "walk": [_WALK]}
    return body


@schemathesis.serializer("application/x-ndjson")
def gallery_file(_context: schemathesis.SerializationContext, value: Any) -> Any:
    """Half of the imports get a file that this service wrote."""
    text = str(value).encode("utf-8", "surrogatepass")
    return _GALLERY if isinstance(value, str) and zlib.crc32(text) % 2 == 0 else text

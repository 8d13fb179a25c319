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
# Of the key that all calls are made with.
_KEY_ID = os.environ["WALKPRINT_TEST_KEY_ID"]


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Half of the forms get a walk that can be recognised in the place of random bytes."""
    operation = context.operation
    is_form = isinstance(body, dict) and "walk" in body
    if operation is not None and is_form and zlib.crc32(repr(body).encode()) % 2 == 0:
        return {**body, "walk": [_WALK]}
    return body


@schemathesis.hook
def before_call(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]
) -> None:
    """Nobody revokes the key that this very run needs."""
    if case.path_parameters.get("key") == _KEY_ID:
        case.path_parameters["key"] = "of-no-key"


@schemathesis.serializer("application/x-ndjson")
def gallery_file(_context: schemathesis.SerializationContext, value: Any) -> Any:
    """Half of the imports get a file that this service wrote."""
    text = str(value).encode("utf-8", "surrogatepass")
    return _GALLERY if isinstance(value, str) and zlib.crc32(text) % 2 == 0 else text

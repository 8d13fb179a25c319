"""The key that a client shows the service: where it comes from, and that nobody else sees it."""

from __future__ import annotations

import os
from pathlib import Path

KEY_VARIABLE = "WALKPRINT_API_KEY"
KEY_FILE_VARIABLE = "WALKPRINT_API_KEY_FILE"


class UnusableKey(ValueError):
    """What was given cannot be a key. The message does not repeat it."""


def key_from_environment() -> str | None:
    """The key in `WALKPRINT_API_KEY`, or in the file that `WALKPRINT_API_KEY_FILE` names.

    There is no option for it on the command line: what stands there is read by everybody on the
    machine, and kept in the shell's history.

    Returns:
        None when neither is set.

    Raises:
        OSError: the file cannot be read.
    """
    key = os.environ.get(KEY_VARIABLE)
    if key:
        return key
    file = os.environ.get(KEY_FILE_VARIABLE)
    return Path(file).read_text(encoding="ascii", errors="replace") if file else None


def authorization(key: str | None) -> dict[str, str]:
    """The header that shows a key, or a token of an OpenID Connect issuer.

    Args:
        key: blanks and line ends around it are no part of it; None or nothing shows none.

    Raises:
        UnusableKey: it holds what no header can.
    """
    stripped = (key or "").strip()
    if not stripped:
        return {}
    if not (stripped.isascii() and stripped.isprintable()) or " " in stripped:
        # Before the HTTP library sees it, whose own error would name it.
        raise UnusableKey(
            "The API key holds blanks, line ends or letters that no key has. Copy it again."
        )
    return {"Authorization": f"Bearer {stripped}"}

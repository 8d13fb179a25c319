"""Secret settings that come as files, as containers get them: `WALKPRINT_BROKER_URL_FILE`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

# A master key is 44 bytes, a URL some hundred: more is another file.
_MAX_BYTES = 64 * 1024
_PREFIX = "WALKPRINT_"


class SecretFileUnusable(ValueError):
    """The file that a secret setting names cannot be read, or is no secret."""


def secret_names(settings: type[BaseSettings]) -> tuple[str, ...]:
    """Settings that may come as a file: those that are never shown.

    A setting of its own that is called so, such as `master_key_file`, keeps its meaning.
    """
    return tuple(
        name
        for name, field in settings.model_fields.items()
        if _is_secret(field) and f"{name}_file" not in settings.model_fields
    )


def _is_secret(field: FieldInfo) -> bool:
    return not field.repr or SecretStr in (field.annotation, *_alternatives(field.annotation))


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__args__", ())


class SecretFiles(PydanticBaseSettingsSource):
    """Reads `WALKPRINT_<NAME>_FILE` for every secret setting, below the variable itself."""

    def __call__(self) -> dict[str, Any]:
        """What the files hold, by setting.

        Raises:
            SecretFileUnusable: one cannot be read, or the setting is empty or given twice.
        """
        _require_filled(self.settings_cls)
        found = {}
        for name in secret_names(self.settings_cls):
            variable = f"{_PREFIX}{name.upper()}"
            path = os.environ.get(f"{variable}_FILE")
            if not path:
                continue
            if variable in os.environ:
                # Of two places for a secret, one would be forgotten when it is changed.
                raise SecretFileUnusable(f"{variable} and {variable}_FILE are set: one is enough")
            found[name] = _read(variable, Path(path))
        return found

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Of one setting; the base class asks for it, and `__call__` does without."""
        return self().get(field_name), field_name, False


def _require_filled(settings: type[BaseSettings]) -> None:
    """Refuses a secret that is set to nothing: whoever meant to encrypt must not go on without."""
    for name, field in settings.model_fields.items():
        variable = f"{_PREFIX}{name.upper()}"
        if _is_secret(field) and os.environ.get(variable) == "":
            raise SecretFileUnusable(f"{variable} is empty: give it, or leave it out")


def _read(variable: str, path: Path) -> str:
    """The text of a secret without the line end that editors add.

    Raises:
        SecretFileUnusable: it cannot be read, is empty, has several lines or is far too long.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        text = content.decode().strip()
    except (OSError, UnicodeDecodeError) as unreadable:
        # Neither what it holds nor its name within the system: the variable says enough.
        why = unreadable.strerror if isinstance(unreadable, OSError) else "it is no text"
        raise SecretFileUnusable(f"{variable}_FILE cannot be read: {why}") from None
    if not text or "\n" in text or len(content) > _MAX_BYTES:
        raise SecretFileUnusable(f"{variable}_FILE must hold one line, the secret itself")
    return text

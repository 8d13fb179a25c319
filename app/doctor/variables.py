"""The settings: readable, and none that is misspelled and therefore ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pydantic import ValidationError

from app.doctor.finding import Finding, broken, doubtful, fine
from app.secret_files import SecretFileUnusable, secret_names
from app.settings import Settings

_PREFIX = Settings.model_config["env_prefix"]
# Read elsewhere than by `Settings`: by the client, the command line and tests.
_OTHERS = ("URL", "API_KEY", "API_KEY_FILE", "FAILPOINT")
_PART = "settings"


def known_variables() -> tuple[str, ...]:
    """All environment variables that Walkprint reads."""
    files = tuple(f"{name}_file" for name in secret_names(Settings))
    names = (*Settings.model_fields, *files, *_OTHERS)
    return tuple(f"{_PREFIX}{name.upper()}" for name in names)


def read_settings() -> tuple[Settings | None, list[Finding]]:
    """The settings of the environment, None where they cannot be used, and what is wrong."""
    try:
        settings = Settings()
    except ValidationError as wrong:
        found = [
            broken(_PART, f"{_variable(error['loc'])}: {error['msg']}.", "Correct it, or unset it.")
            for error in wrong.errors()
        ]
        return None, found
    except SecretFileUnusable as wrong:
        return None, [broken(_PART, f"{wrong}.", "Correct the file's name, rights or content.")]
    return settings, []


def unknown_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that nothing reads: what they say is ignored without a word.

    Args:
        environment: names and values.
    """
    known = known_variables()
    # pydantic-settings does not mind how a name is written.
    given = [name for name in environment if name.upper().startswith(_PREFIX)]
    unknown = sorted(name for name in given if name.upper() not in known)
    for name in unknown:
        close = get_close_matches(name.upper(), known, n=1, cutoff=0.88)
        if close:
            advice = f"Did you mean {close[0]}?"
            yield broken(_PART, f"{name} is no setting and is ignored.", advice)
        else:
            advice = "Fine if another program reads it, such as docker compose."
            yield doubtful(_PART, f"{name} is no setting and is ignored.", advice)
    if not unknown:
        yield fine(_PART, f"{len(given)} variables are set, all of them known.")


def _variable(location: tuple[int | str, ...]) -> str:
    return f"{_PREFIX}{str(location[0]).upper()}" if location else "The settings together"

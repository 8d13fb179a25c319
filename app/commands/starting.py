"""What the commands that start a process of the service have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from app.commands.output import print_problem

if TYPE_CHECKING:
    from pydantic import ValidationError

    from app.settings import Settings


@contextmanager
def refused_in_a_sentence() -> Iterator[None]:
    """Ends the command with a sentence where the process could not have done its work."""
    from pydantic import ValidationError

    from app.errors import InvalidField
    from app.registry.sealing.settings import CannotDecrypt
    from app.worker.foundation import CannotStart

    try:
        yield
    except ValidationError as wrong:
        print_problem({"detail": settings_refused(wrong)}, as_json=False)
        raise typer.Exit(1) from wrong
    except InvalidField as wrong:
        detail = f"WALKPRINT_BOOTSTRAP_KEY cannot be used. {wrong.detail}"
        print_problem({"detail": detail}, as_json=False)
        raise typer.Exit(1) from wrong
    except (CannotDecrypt, CannotStart) as refused:
        print_problem({"detail": str(refused)}, as_json=False)
        raise typer.Exit(1) from refused


def settings_refused(wrong: ValidationError) -> str:
    """Which settings cannot be used and why, in a sentence; what was set is not repeated."""
    details = "; ".join(
        f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
        for error in wrong.errors(include_url=False, include_input=False)
    )
    return f"A setting cannot be used: {details}."


def settings_with(options: Mapping[str, object]) -> Settings:
    """The settings of the environment, with the options that were given in their place.

    Args:
        options: by the names of the settings; None where an option was not given.
    """
    from app.settings import Settings

    given = {name: value for name, value in options.items() if value is not None}
    return Settings.model_validate({**Settings().model_dump(), **given})


def keep_to_one_thread_each() -> None:
    """Lets FAISS and BLAS compute in the thread that calls them.

    Otherwise each job thread gets a team of its own whose members spin while they wait: a search of
    10,000 templates then costs 19 ms of CPU instead of 0.6 ms. Read when the libraries are loaded.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

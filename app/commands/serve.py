"""`walkprint serve`: the service itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from app.commands.output import print_problem


def serve(
    host: Annotated[
        str | None, typer.Option(show_default="127.0.0.1", help="Others than loopback need keys.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, show_default="8000", help="0 lets the system choose."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(show_default="data", help="The folder for all state.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(show_default="auto", help="auto, cpu or cuda.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="Other weights than those that ship with Walkprint: installed at start, and"
            " serving where nobody is enrolled yet. Else see `walkprint checkpoints activate`."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, show_default="the number of cores", help="Capture threads."),
    ] = None,
) -> None:
    """Run the service until Ctrl-C or SIGTERM.

    Options stand before the environment variables WALKPRINT_HOST, WALKPRINT_PORT, WALKPRINT_DATA,
    WALKPRINT_DEVICE, WALKPRINT_CHECKPOINT, WALKPRINT_WORKERS; WALKPRINT_DATABASE_URL names a
    PostgreSQL database instead of a file in the data folder.

    \b
    Examples:
      walkprint serve
      walkprint serve --port 9000 --data /srv/walkprint --device cpu
    """
    _keep_to_one_thread_each()

    from pydantic import ValidationError

    from app.errors import InvalidField
    from app.main import CannotRecognise, DatabaseNotThere, NotOnLoopback
    from app.main import serve as run_service
    from app.registry.sealing.settings import CannotDecrypt
    from app.settings import Settings

    chosen = {
        "host": host,
        "port": port,
        "data": data,
        "device": device,
        "checkpoint": checkpoint,
        "workers": workers,
    }
    try:
        settings = Settings.model_validate(
            {**Settings().model_dump(), **{k: v for k, v in chosen.items() if v is not None}}
        )
        run_service(settings)
    except ValidationError as wrong:
        details = "; ".join(
            f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
            for error in wrong.errors()
        )
        print_problem({"detail": f"A setting cannot be used: {details}."}, as_json=False)
        raise typer.Exit(1) from wrong
    except InvalidField as wrong:
        detail = f"WALKPRINT_BOOTSTRAP_KEY cannot be used. {wrong.detail}"
        print_problem({"detail": detail}, as_json=False)
        raise typer.Exit(1) from wrong
    except (NotOnLoopback, CannotDecrypt, CannotRecognise, DatabaseNotThere) as refused:
        print_problem({"detail": str(refused)}, as_json=False)
        raise typer.Exit(1) from refused


def _keep_to_one_thread_each() -> None:
    """Lets FAISS and BLAS compute in the thread that calls them.

    Otherwise each job thread gets a team of its own whose members spin while they wait: a search of
    10,000 templates then costs 19 ms of CPU instead of 0.6 ms. Read when the libraries are loaded.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

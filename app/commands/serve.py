"""`walkprint serve`: the service itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.starting import keep_to_one_thread_each, refused_in_a_sentence, settings_with


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
    PostgreSQL database instead of a file in the data folder. With WALKPRINT_BROKER_URL the work is
    done by `walkprint worker`.

    \b
    Examples:
      walkprint serve
      walkprint serve --port 9000 --data /srv/walkprint --device cpu
    """
    keep_to_one_thread_each()

    from app.main import serve as run_service

    options = {
        "host": host,
        "port": port,
        "data": data,
        "device": device,
        "checkpoint": checkpoint,
        "workers": workers,
    }
    with refused_in_a_sentence():
        run_service(settings_with(options))

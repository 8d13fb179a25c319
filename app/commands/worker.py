"""`walkprint worker`: does the work of services that hand it to a broker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.starting import keep_to_one_thread_each, refused_in_a_sentence, settings_with


def worker(
    data: Annotated[
        Path | None,
        typer.Option(show_default="data", help="The folder for uploads and index snapshots."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(show_default="auto", help="auto, cpu or cuda.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, show_default="the number of cores", help="Capture threads."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(show_default="127.0.0.1", help="Of the probes and metrics.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, show_default="9100", help="0 lets the system choose."),
    ] = None,
) -> None:
    """Do the jobs of services that share a broker and a database, until Ctrl-C or SIGTERM.

    WALKPRINT_BROKER_URL and WALKPRINT_DATABASE_URL name both, for `walkprint serve` and here; the
    uploads lie in the data folder, which all of them share. What runs when the worker is told to
    stop is ended, or given to another one. /livez, /readyz and /metrics are answered on the port.

    \b
    Examples:
      walkprint worker
      walkprint worker --workers 8 --port 9101 --data /srv/walkprint
    """
    keep_to_one_thread_each()

    from app.worker_process import work

    options = {
        "data": data,
        "device": device,
        "workers": workers,
        "worker_host": host,
        "worker_port": port,
    }
    with refused_in_a_sentence():
        work(settings_with(options))

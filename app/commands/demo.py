"""`walkprint demo`: the main job, shown on sample walks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.output import answers, print_problem


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the table; exit code 1 if a row is wrong.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, envvar="PORT", help="0 takes a free one.")
    ] = 0,
    data: Annotated[
        Path, typer.Option(help="A fresh folder is made in it, and removed at the end.")
    ] = Path("data"),
) -> None:
    """Start a service of its own, enrol people over HTTP and ask who is walking.

    \b
    Examples:
      walkprint demo
      walkprint demo --once

    The people are generated, one is real; the answers are the service's. Afterwards the service
    stays until Ctrl-C, unless --once is given.
    """
    import signal

    from app.demo import ServiceDidNotStart, run_demo

    def end(_number: int, _frame: object) -> None:
        raise typer.Exit(128 + signal.SIGTERM)  # passes the clean-up on its way out

    signal.signal(signal.SIGTERM, end)
    try:
        all_right = run_demo(answers, data=data, port=port, once=once)
    except ServiceDidNotStart as failure:
        print_problem({"detail": str(failure)}, as_json=False)
        raise typer.Exit(1) from failure
    if once and not all_right:
        raise typer.Exit(1)

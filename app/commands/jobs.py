"""`walkprint jobs`: what became of work that was handed over."""

from __future__ import annotations

from typing import Annotated

import typer

from app.client import Client, WalkprintError
from app.commands.options import DEFAULT_URL, AsJson, Url
from app.commands.output import answers, notes, print_fields, print_json


def jobs(
    job_id: Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")],
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended.")] = False,
    timeout: Annotated[float, typer.Option(help="With --wait: for so many seconds.")] = 600.0,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show a job: its state, and its result or why it failed (then exit code 1).

    \b
    Example:
      walkprint jobs 5f1c… --wait --json
    """
    with Client(url) as client:
        if wait:
            with notes.status("Waiting…"):
                job = client.wait_for_job(job_id, timeout_seconds=timeout)
        else:
            job = client.job(job_id)
    if as_json:
        print_json(job.json)
        if job.problem is not None:
            raise typer.Exit(1)
        return
    answers.print(f"[bold]{job.kind}[/] {job.id}: [bold]{job.state}[/]")
    if job.result is not None:
        print_fields({key: job.result[key] for key in sorted(job.result)})
    if job.problem is not None:
        raise WalkprintError(job.problem)

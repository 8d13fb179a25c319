"""`walkprint jobs`: which work there is, what became of it, and taking it back."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.client import Client, Job, WalkprintError
from app.client.job_calls import JobStateName
from app.commands.options import DEFAULT_URL, AsJson, Url
from app.commands.output import answers, print_fields, print_json, print_table
from app.commands.stages import stages

JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]


class _JobOrCommand(TyperGroup):
    """`walkprint jobs JOB` is `walkprint jobs show JOB`: an id is no command's name."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


jobs = typer.Typer(
    cls=_JobOrCommand,
    invoke_without_command=True,
    subcommand_metavar="[JOB | COMMAND] [ARGS]...",
)


@jobs.callback()
def list_jobs(
    context: typer.Context,
    state: Annotated[JobStateName | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="As many at most.")] = 50,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """List the jobs that the key may see, newest first; show one; take one back.

    \b
    Examples:
      walkprint jobs
      walkprint jobs --state failed --json
      walkprint jobs 5f1c… --wait
      walkprint jobs cancel 5f1c…
    """
    if context.invoked_subcommand is not None:
        return
    with Client(url) as client:
        counts = client.job_counts()
        found = list(islice(client.jobs(state=state, page_size=min(limit, 500)), limit))
    if as_json:
        print_json([job.json for job in found])
        return
    answers.print(f"{counts.queued} waiting, {counts.running} running")
    rows = [
        (
            job.id,
            job.kind,
            job.state + (f" ({job.stage})" if job.stage else ""),
            job.gallery,
            job.subject,
            job.created_at[:19],
            (job.problem or {}).get("title"),
        )
        for job in found
    ]
    if rows:
        columns = ("job", "", "state", "gallery", "subject", "accepted at", "failed with")
        print_table(None, columns, rows)


@jobs.command()
def show(
    job_id: JobId,
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended.")] = False,
    timeout: Annotated[float, typer.Option(help="With --wait: for so many seconds.")] = 600.0,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show a job: its state, and its result or why it failed (then exit code 1).

    \b
    Example:
      walkprint jobs show 5f1c… --wait --json
    """
    with Client(url) as client:
        if wait:
            with stages("Waiting") as on_progress:
                job = client.wait_for_job(job_id, timeout_seconds=timeout, on_progress=on_progress)
        else:
            job = client.job(job_id)
    if as_json:
        print_json(job.json)
        if job.problem is not None:
            raise typer.Exit(1)
        return
    _print_state(job)
    if job.result is not None:
        print_fields({key: job.result[key] for key in sorted(job.result)})
    if job.problem is not None:
        raise WalkprintError(job.problem)


@jobs.command()
def cancel(job_id: JobId, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Take a job back that has not ended: its recordings are erased, nobody is enrolled by it.

    \b
    Example:
      walkprint jobs cancel 5f1c…
    """
    with Client(url) as client:
        job = client.cancel_job(job_id)
    if as_json:
        print_json(job.json)
        return
    answers.print(f"Taken back: {job.kind} {job.id}")


def _print_state(job: Job) -> None:
    at = f" ({job.stage})" if job.stage else ""
    answers.print(f"[bold]{job.kind}[/] {job.id}: [bold]{job.state}[/]{at}")

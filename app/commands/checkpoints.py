"""`walkprint checkpoints`: which weights serve, and the way to others and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.client import Client, WalkprintError
from app.client.checkpoints import Reembedding, Switch
from app.commands.options import DEFAULT_URL, AsJson, Url
from app.commands.output import notes, print_fields, print_json, print_table, progress_bar

_POLL_SECONDS = 0.5

CheckpointId = Annotated[str, typer.Argument(metavar="CHECKPOINT", help="The checkpoint's id.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show the progress until it has ended.")]
AcceptLoss = Annotated[
    bool, typer.Option("--accept-loss", help="Even if some stored walks cannot be embedded by it.")
]

checkpoints = typer.Typer(no_args_is_help=True)


@checkpoints.command("list")
def list_checkpoints(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List the installed checkpoints.

    \b
    Example:
      walkprint checkpoints list
    """
    with Client(url) as client:
        found = client.checkpoints.list()
    if as_json:
        print_json([row.json for row in found])
        return
    rows = [
        (
            row.id,
            "serves" if row.active else "" if row.here else "weights missing",
            row.walks_with_template,
            row.walks_without_template,
            row.installed_at[:19],
        )
        for row in found
    ]
    columns = ("checkpoint", "", "walks with template", "without", "installed at")
    print_table(None, columns, rows)


@checkpoints.command()
def install(
    file: Annotated[Path, typer.Argument(help="What `walkprint train` or `finetune` wrote.")],
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Give a checkpoint to the service. It serves only after `activate`.

    \b
    Example:
      walkprint checkpoints install runs/office/checkpoint.safetensors
    """
    with Client(url) as client:
        installed = client.checkpoints.install(file)
    if as_json:
        print_json(installed.json)
    else:
        notes.print(f"[green]Installed[/] as {installed.id}.")


@checkpoints.command()
def activate(
    checkpoint: CheckpointId,
    accept_loss: AcceptLoss = False,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Have a checkpoint serve, once all stored walks have been embedded by it.

    The present one serves until then, and `rollback` leads back.

    \b
    Example:
      walkprint checkpoints activate l-resnet50-64x44-1a2b3c4d --wait
    """
    with Client(url) as client:
        switch = client.checkpoints.activate(checkpoint, accept_loss=accept_loss)
        _follow(client, switch, wait=wait, as_json=as_json)


@checkpoints.command()
def rollback(
    accept_loss: AcceptLoss = False,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Go back to the checkpoint that served before the present one.

    \b
    Example:
      walkprint checkpoints rollback
    """
    with Client(url) as client:
        switch = client.checkpoints.roll_back(accept_loss=accept_loss)
        _follow(client, switch, wait=wait, as_json=as_json)


@checkpoints.command()
def remove(
    checkpoint: CheckpointId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Remove a checkpoint that does not serve, with its templates.

    \b
    Example:
      walkprint checkpoints remove CHECKPOINT
    """
    if not yes:
        question = f"Remove {checkpoint} and its templates? A rollback to it is then impossible."
        typer.confirm(question, abort=True, err=True)
    with Client(url) as client:
        templates = client.checkpoints.remove(checkpoint)
    notes.print(f"[green]Removed[/] with {templates} templates.")


@checkpoints.command()
def status(
    checkpoint: CheckpointId,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show how far the stored walks have been embedded by a checkpoint.

    \b
    Example:
      walkprint checkpoints status CHECKPOINT
    """
    with Client(url) as client:
        if wait:
            _print(_watch(client, checkpoint), as_json=as_json)
        else:
            _print(client.checkpoints.reembedding(checkpoint), as_json=as_json)


@checkpoints.command()
def pause(checkpoint: CheckpointId, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Stop embedding stored walks for a while, restarts included.

    \b
    Example:
      walkprint checkpoints pause CHECKPOINT
    """
    _change(checkpoint, "pause", url, as_json)


@checkpoints.command()
def resume(checkpoint: CheckpointId, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Go on after a pause.

    \b
    Example:
      walkprint checkpoints resume CHECKPOINT
    """
    _change(checkpoint, "resume", url, as_json)


@checkpoints.command()
def cancel(checkpoint: CheckpointId, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Give the switch up. What was embedded stays until the checkpoint is removed.

    \b
    Example:
      walkprint checkpoints cancel CHECKPOINT
    """
    _change(checkpoint, "cancel", url, as_json)


def _change(
    checkpoint: str, action: Literal["pause", "resume", "cancel"], url: str, as_json: bool
) -> None:
    with Client(url) as client:
        _print(client.checkpoints.change_reembedding(checkpoint, action), as_json=as_json)


def _follow(client: Client, switch: Switch, *, wait: bool, as_json: bool) -> None:
    if switch.state == "embedding" and wait:
        _print(_watch(client, switch.checkpoint), as_json=as_json)
    elif as_json:
        print_json(switch.json)
    elif switch.state == "embedding":
        notes.print(
            f"Stored walks are being embedded by {switch.checkpoint}; it serves when that is done:"
            f" walkprint checkpoints status {switch.checkpoint} --wait"
        )
    else:
        notes.print(f"[green]{switch.checkpoint} serves.[/]")


def _watch(client: Client, checkpoint: str) -> Reembedding:
    with progress_bar(quiet=False) as bar:
        task = bar.add_task("walks embedded", total=None, note="")
        while True:
            state = client.checkpoints.reembedding(checkpoint)
            bar.update(task, completed=state.done, total=state.total, note=state.state)
            if state.is_finished:
                return state
            time.sleep(_POLL_SECONDS)


def _print(reembedding: Reembedding, *, as_json: bool) -> None:
    if as_json:
        print_json(reembedding.json)
    else:
        print_fields(
            {
                "checkpoint": reembedding.checkpoint,
                "state": reembedding.state,
                "walks passed": f"{reembedding.done} of {reembedding.total}",
                "cannot be embedded": reembedding.refused or None,
            }
        )
    if reembedding.problem is not None:
        raise WalkprintError(reembedding.problem)

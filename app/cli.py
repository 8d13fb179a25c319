"""`walkprint`: the command line. Each command is a function of `app.commands`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import typer
from pydantic import ValidationError

from app.bulk import ReportInUse
from app.client import MediaNotFound, NotAuthenticated, UnusableKey, WalkprintError
from app.client.api_key import KEY_FILE_VARIABLE, KEY_VARIABLE
from app.commands.audit import audit
from app.commands.backup import backup, restore
from app.commands.capture import capture
from app.commands.checkpoints import checkpoints
from app.commands.data import data
from app.commands.demo import demo
from app.commands.doctor import doctor
from app.commands.encryption import encryption
from app.commands.evaluate import evaluate
from app.commands.export import export
from app.commands.finetune import finetune
from app.commands.galleries import galleries
from app.commands.jobs import jobs
from app.commands.keys import keys
from app.commands.output import print_problem
from app.commands.receipts import verify_receipt
from app.commands.reproduce import reproduce
from app.commands.serve import serve
from app.commands.starting import settings_refused
from app.commands.subjects import subjects
from app.commands.train import train
from app.commands.walkers import walkers
from app.commands.walks import enroll, identify, verify
from app.commands.worker import worker
from app.secret_files import SecretFileUnusable

cli = typer.Typer(
    name="walkprint",
    help="Who is walking? Enrol and identify people by their gait.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command()(serve)
cli.command()(worker)
cli.command()(enroll)
cli.command()(identify)
cli.command()(verify)
cli.command()(capture)
cli.add_typer(subjects, name="subjects", help="Enrolled people: list, rename, merge, move, erase.")
cli.add_typer(galleries, name="galleries", help="Sets of people that are searched together.")
cli.add_typer(checkpoints, name="checkpoints", help="Weights: which serve, and which could.")
cli.add_typer(jobs, name="jobs")
cli.add_typer(audit, name="audit", help="Who did what: show, export, verify.")
cli.add_typer(encryption, name="encryption", help="The keys to what is stored.")
cli.add_typer(keys, name="keys", help="Who may call: make, list and revoke keys.")
cli.command("verify-receipt")(verify_receipt)
cli.command()(backup)
cli.command()(restore)
cli.command()(data)
cli.command()(train)
cli.command()(finetune)
cli.command()(evaluate)
cli.command()(reproduce)
cli.command()(walkers)
cli.command()(export)
cli.command()(demo)
cli.command()(doctor)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command; ends the process with its exit code.

    What the service refuses, and what cannot be sent, is printed as a sentence with advice and
    ends with 1; a wrong command line ends with 2.

    Args:
        arguments: without the program's name; those of the process when None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    problem: Mapping[str, object]
    try:
        cli(args=words, prog_name="walkprint")
    except NotAuthenticated as stranger:
        advice = f"Put a key into {KEY_VARIABLE}, or its file's name into {KEY_FILE_VARIABLE}."
        problem = {**stranger.problem, "advice": advice}
    except WalkprintError as refused:
        problem = refused.problem
    except MediaNotFound as missing:
        problem = {"title": "Nothing to send", "detail": str(missing)}
    except UnusableKey as wrong:
        problem = {"title": "The key cannot be used", "detail": str(wrong)}
    except SecretFileUnusable as wrong:
        problem = {"title": "A setting cannot be used", "detail": f"{wrong}."}
    except ValidationError as wrong:
        if wrong.title != "Settings":  # a fault of ours, and nothing that somebody set
            raise
        problem = {"title": "A setting cannot be used", "detail": settings_refused(wrong)}
    except ReportInUse as held:
        problem = {"title": "The report is in use", "detail": str(held)}
    except OSError as denied:
        if denied.filename is None:  # nothing the caller named: a fault of ours
            raise
        problem = {
            "title": "A file is in the way",
            "detail": f"{denied.filename}: {denied.strerror}.",
        }
    else:
        return
    print_problem(problem, as_json="--json" in words)
    sys.exit(1)


if __name__ == "__main__":
    main()

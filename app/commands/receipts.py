"""`walkprint verify-receipt`: what a signed receipt says, and whether it is genuine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from app.commands.output import answers, print_fields, print_problem
from app.settings import Settings


def verify_receipt(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="What an erasure answered.")
    ],
    key: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            show_default="the data folder's own",
            help="The service's public key, as `GET /audit/key` gives it.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", show_default="data", help="The service's data folder.")
    ] = None,
) -> None:
    """Check the receipt of an erasure, without the service, and say in words what it states.

    Ends with 1 where the receipt was changed or is another service's.

    \b
    Example:
      walkprint verify-receipt ada-erased.json --key walkprint.pem
    """
    import json

    from app.registry.receipts import DONE_IN_WORDS, NotAReceipt, Receipt, ReceiptNotGenuine
    from app.registry.signing import KeyFileUnusable, read_public_key

    settings = Settings() if data is None else Settings(data=data)
    key_file = settings.signing_key_file if key is None else key
    if not key_file.exists():
        _refuse(
            "There is no key here to check it with: name the service's public key with --key;"
            " GET /audit/key of the service gives it."
        )
    try:
        receipt = Receipt.read(json.loads(file.read_text()))
        receipt.require_genuine(read_public_key(key_file))
    except (ValueError, RecursionError):
        _refuse("This is not a receipt: it is no JSON.")
    except (NotAReceipt, ReceiptNotGenuine, KeyFileUnusable) as refused:
        _refuse(str(refused))
    said = receipt.statement
    answers.print(f"[green]Genuine[/]: signed by the key {receipt.signer}.")
    print_fields(
        {
            "erased": _what(said),
            "at": said["erased_at"],
            "by": said["service"],
            **{name: number for name, number in said["counts"].items() if number},
            "audit entry": said["audit"]["seq"],
        }
    )
    for done in said["done"]:
        answers.print(f"  done: {DONE_IN_WORDS.get(done, done)}", markup=False)
    for step in said["follows"]:
        within = step["within_seconds"]
        when = "not by the service" if within is None else f"within {within} s"
        answers.print(f"  then, {when}: {step['words']}", markup=False)


def _what(said: Mapping[str, Any]) -> str:
    if said["walk"] is not None:
        return f"walk {said['walk']} of {said['subject']} in gallery {said['gallery']}"
    if said["subject"] is not None:
        return f"{said['subject']} in gallery {said['gallery']}"
    return f"gallery {said['gallery']}"


def _refuse(detail: str) -> NoReturn:
    print_problem({"detail": detail}, as_json=False)
    raise typer.Exit(1)

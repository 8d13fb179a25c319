"""`walkprint reproduce`: the paper's tables and figures again, by one command."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.commands import training_options as options
from app.commands.options import AsJson
from app.commands.output import answers, notes, print_json, print_problem, print_table

if TYPE_CHECKING:
    from model.reproduction.report import ReproductionReport


def reproduce(
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Your copy of CASIA-B.",
            show_default="generated walkers in its shape",
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            file_okay=False, help="For walks, trainings and report; the same again goes on."
        ),
    ] = Path("runs/reproduce"),
    people: Annotated[int, typer.Option(min=2, max=124, help="Of the generated walkers.")] = 124,
    input_size: Annotated[
        Literal["64x44", "128x88", "224x224"],
        typer.Option("--input", help="GEI in pixels, rows by columns."),
    ] = "64x44",
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Batches.", show_default="as in docs/paper-recipe.md"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of first weights and batches.")] = 1,
    cross_view: Annotated[
        bool,
        typer.Option(
            "--cross-view",
            help="Also train both networks on 74 of 124 people and test the others across views:"
            " twice the time.",
        ),
    ] = False,
    device: options.Device = "cpu",
    threads: options.Threads = None,
    processes: options.Processes = 2,
    as_json: AsJson = False,
) -> None:
    """Reproduce the paper: tables 1 to 4 and figures 2 and 5, for both networks.

    Trains ResNet-50 and L-ResNet-50 alike, prints the tables, and writes report.html, report.json,
    tables.csv, losses.csv and the figures to OUT. Only columns named "paper" hold the paper's own
    numbers.

    \b
    Examples:
      walkprint reproduce
      walkprint reproduce --people 40 --steps 200 --out runs/quick
      walkprint reproduce --data casia-b/ --input 224x224 --device cuda --out runs/casia-b
    """
    if find_spec("matplotlib") is None:
        print_problem(
            {
                "detail": "The figures are drawn with matplotlib, which is not installed.",
                "advice": "pip install 'walkprint[report]'",
            },
            as_json=as_json,
        )
        raise typer.Exit(1)
    import torch

    from model.datasets.recordings import UNUSABLE
    from model.reproduction.run import reproduce as run
    from model.reproduction.settings import ReproductionSettings
    from model.reproduction.walks import TooLittleToReproduce

    height, width = (int(pixels) for pixels in input_size.split("x"))
    if threads is not None:
        torch.set_num_threads(threads)
    settings = ReproductionSettings(
        out=out,
        casia_b=data,
        people=people,
        height=height,
        width=width,
        steps=steps,
        seed=seed,
        cross_view=cross_view,
        device=device,
        processes=processes,
    )
    try:
        report = run(settings, console=None if as_json else notes)
    except (TooLittleToReproduce, ValueError, *UNUSABLE) as refused:
        print_problem({"detail": str(refused)}, as_json=as_json)
        raise typer.Exit(1) from refused
    if as_json:
        print_json(report.to_json())
    else:
        _print(report, out)


def _print(report: ReproductionReport, out: Path) -> None:
    from model.reproduction.run import PAGE_FILE

    answers.print(f"Ran on {report.label.sentence}.")
    answers.print("Other than in the paper: " + "; ".join(report.label.reduced) + ".")
    for table in report.tables:
        answers.print()
        print_table(table.title, table.header, [row.cells() for row in table.rows])
        answers.print(f"[dim]{table.note}[/]")
    for remark in report.remarks:
        answers.print()
        answers.print(remark)
    written = [out / figure.file for figure in report.figures]
    answers.print(
        f"[green]Written[/]: {', '.join(str(one) for one in (*written, out / PAGE_FILE))}"
    )

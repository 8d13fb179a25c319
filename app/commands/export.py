"""`walkprint export`: a checkpoint as an ONNX or OpenVINO file for other programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.commands.options import AsJson, CheckpointFile
from app.commands.output import answers, print_json, print_problem


def export(
    to: Annotated[
        Path, typer.Option(dir_okay=False, help="The file to write: .onnx, or .xml for openvino.")
    ],
    checkpoint: CheckpointFile = None,
    form: Annotated[
        Literal["onnx", "openvino"], typer.Option("--format", help="Of the file.")
    ] = "onnx",
    precision: Annotated[
        Literal["fp32", "fp16"], typer.Option(help="Of the stored weights.")
    ] = "fp32",
    as_json: AsJson = False,
) -> None:
    """Write a checkpoint for other runtimes and compare it with the original on generated walks.

    The file takes batches of any size and carries its settings: how its GEIs are made, the
    calibration, the checkpoint's id. A file whose embeddings differ is not written.

    \b
    Examples:
      walkprint export --to walkprint.onnx
      walkprint export --to walkprint.xml --format openvino --precision fp16
    """
    from model.checkpoint import CheckpointNotReadable, default_checkpoint_path, load_checkpoint
    from model.export import SUFFIXES, ExportTooFarOff, export_checkpoint

    if to.suffix != SUFFIXES[form]:
        raise typer.BadParameter(f"--to ends in {SUFFIXES[form]} for {form}.")
    if not to.parent.is_dir():
        raise typer.BadParameter(f"{to.parent} is not a folder.")
    try:
        loaded = load_checkpoint(checkpoint or default_checkpoint_path())
        report = export_checkpoint(loaded, to, form=form, precision=precision)
    except (CheckpointNotReadable, ExportTooFarOff) as unusable:
        print_problem({"detail": str(unusable)}, as_json=as_json)
        raise typer.Exit(1) from unusable
    if as_json:
        print_json({"checkpoint": loaded.checkpoint_id, **asdict(report)})
        return
    answers.print(
        f"{report.path}: {report.size_bytes / 1e6:.1f} MB, checkpoint {loaded.checkpoint_id}\n"
        f"smallest cosine with the checkpoint over {report.walks} generated walks:"
        f" {report.smallest_cosine:.6f}"
    )

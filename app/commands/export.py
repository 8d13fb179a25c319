"""`walkprint export`: a checkpoint as an ONNX or OpenVINO file for other programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import AsJson
from app.commands.output import answers, print_json, print_problem

if TYPE_CHECKING:
    from model.export import ExportFormat
    from model.exported_metadata import ExportPrecision

_FORMATS: tuple[ExportFormat, ...] = ("onnx", "openvino")
_PRECISIONS: tuple[ExportPrecision, ...] = ("fp32", "fp16")


def export(
    to: Annotated[
        Path, typer.Option(dir_okay=False, help="The file to write: .onnx, or .xml for openvino.")
    ],
    checkpoint: Annotated[
        Path | None, typer.Option(help="[default: the weights that ship with Walkprint]")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="onnx or openvino.")] = "onnx",
    precision: Annotated[str, typer.Option(help="Of the stored weights: fp32 or fp16.")] = "fp32",
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
    chosen_form = next((known for known in _FORMATS if known == form), None)
    if chosen_form is None:
        raise typer.BadParameter(f"--format is one of {', '.join(_FORMATS)}, not {form}.")
    chosen_precision = next((known for known in _PRECISIONS if known == precision), None)
    if chosen_precision is None:
        raise typer.BadParameter(f"--precision is one of {', '.join(_PRECISIONS)}, not {precision}")

    from model.checkpoint import CheckpointNotReadable, default_checkpoint_path, load_checkpoint
    from model.export import SUFFIXES, ExportTooFarOff, export_checkpoint

    if to.suffix != SUFFIXES[chosen_form]:
        raise typer.BadParameter(f"--to ends in {SUFFIXES[chosen_form]} for {chosen_form}.")
    if not to.parent.is_dir():
        raise typer.BadParameter(f"{to.parent} is not a folder.")
    try:
        loaded = load_checkpoint(checkpoint or default_checkpoint_path())
        report = export_checkpoint(loaded, to, form=chosen_form, precision=chosen_precision)
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

"""`walkprint export` writes a file that says how near it is to the checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import main
from model.checkpoint import save_checkpoint
from model.export import open_export
from model.network_config import NetworkConfig
from tests.model.untrained import untrained_checkpoint


def test_export_prints_the_smallest_cosine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the file names the checkpoint it came from."""
    checkpoint = untrained_checkpoint(NetworkConfig(embedding_size=24))
    save_checkpoint(checkpoint, tmp_path / "c.safetensors")
    out = tmp_path / "c.onnx"
    source = str(tmp_path / "c.safetensors")
    with pytest.raises(SystemExit) as ended:
        main(["export", "--checkpoint", source, "--to", str(out), "--json"])
    assert ended.value.code == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["checkpoint"] == checkpoint.checkpoint_id
    assert answer["smallest_cosine"] >= 0.9999
    assert open_export(out).metadata.checkpoint_id == checkpoint.checkpoint_id


@pytest.mark.parametrize(
    "words", [["--to", "x.onnx", "--format", "openvino"], ["--to", "x.onnx", "--precision", "int4"]]
)
def test_a_wrong_command_line_ends_with_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A suffix that is not the format's, and a precision that does not exist."""
    with pytest.raises(SystemExit) as ended:
        main(["export", *words])
    assert ended.value.code == 2
    assert words[-1] in capsys.readouterr().err

"""What a file is, its bytes decide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.capture import capture_walk
from model.media import is_picture
from model.refusals import MediaNotReadable
from tests.model.capture.scenes import figure_hw, jpeg, png, write_zip, zip_of_masks


def test_pictures_are_told_by_their_first_bytes() -> None:
    """PNG and JPEG are pictures; archives, text and nothing are not."""
    picture = figure_hw(100, seconds=0.0)
    assert is_picture(png(picture)[:16])
    assert is_picture(jpeg(picture)[:16])
    assert not is_picture(b"PK\x03\x04 and so on")
    assert not is_picture(b"walk.png")
    assert not is_picture(b"")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.zip", b""),
        ("notes.mp4", b"Dear all, please find attached the walk of last week.\n" * 50),
        ("page.png", b"<html><body>404</body></html>"),
        ("movie.mp4", b"\x00" * 4096),
        ("clip.avi", b"RIFF\x24\x00\x00\x00WAVEfmt "),
        ("photo.mp4", b"\x00\x00\x00\x18ftypheic" + bytes(64)),
        ("frames.7z", b"7z\xbc\xaf\x27\x1c" + bytes(64)),
    ],
)
def test_other_content_is_refused_whatever_its_name(
    tmp_path: Path, name: str, content: bytes
) -> None:
    """A name ending in .mp4 or .zip opens no door."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MediaNotReadable):
        capture_walk([path])


def test_a_zip_called_mp4_is_read_as_a_zip(tmp_path: Path) -> None:
    """The content decides in the other direction as well."""
    masks = np.stack([figure_hw(100 + 3 * t, seconds=t / 25) for t in range(14)])
    assert len(capture_walk([zip_of_masks(tmp_path / "walk.mp4", masks)]).silhouettes) == 14


def test_many_files_must_all_be_pictures(tmp_path: Path) -> None:
    """A video among the frames of a walk is refused and its place in the list named."""
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_bytes(png(figure_hw(100, seconds=0.0)))
    write_zip(second, [("a.png", b"x")])
    with pytest.raises(MediaNotReadable, match="File 2 of 2"):
        capture_walk([first, second])


def test_a_walk_without_files_is_refused() -> None:
    """No file, no walk."""
    with pytest.raises(MediaNotReadable):
        capture_walk([])

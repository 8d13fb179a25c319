"""Archives that would harm the service are refused before they are unpacked."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from model.capture import CaptureLimits, capture_walk
from model.capture.archive import natural_key
from model.refusals import ArchiveNotSafe, MediaNotReadable, MediaTooLarge, WalkRefused
from tests.model.capture.scenes import figure_hw, png, write_zip

_FRAME = png(figure_hw(100, seconds=0.0))
_FRAMES = [(f"{t}.png", png(figure_hw(60 + 5 * t, seconds=t / 25))) for t in range(14)]


def _refusal(path: Path, limits: CaptureLimits | None = None) -> WalkRefused:
    start = time.perf_counter()
    with pytest.raises(WalkRefused) as refusal:
        capture_walk([path], limits or CaptureLimits())
    assert time.perf_counter() - start < 3.0
    return refusal.value


def _tar(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    "name", ["../1.png", "a/../../1.png", "/etc/1.png", "C:\\1.png", "..\\1.png"]
)
def test_paths_that_leave_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    """In a zip and in a tar alike."""
    zipped = write_zip(tmp_path / "a.zip", [*_FRAMES, (name, _FRAME)])
    tarred = _tar(tmp_path / "a.tar", [(tarfile.TarInfo(name), _FRAME)])
    assert isinstance(_refusal(zipped), ArchiveNotSafe)
    assert isinstance(_refusal(tarred), ArchiveNotSafe)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    """Only plain files are frames."""
    link = tarfile.TarInfo("1.png")
    link.type, link.linkname = kind, "/etc/passwd"
    assert isinstance(_refusal(_tar(tmp_path / "a.tar", [(link, b"")])), ArchiveNotSafe)


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    """A zip can carry symbolic links as well."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("1.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert isinstance(_refusal(path), ArchiveNotSafe)


@pytest.mark.parametrize("inner", ["zip", "tar", "gz", "7z"])
def test_archives_inside_archives_are_refused(tmp_path: Path, inner: str) -> None:
    """Told by their content, under the name of a picture."""
    content = {
        "zip": write_zip(tmp_path / "in.zip", _FRAMES).read_bytes(),
        "tar": _tar(tmp_path / "in.tar", [(tarfile.TarInfo("1.png"), _FRAME)]).read_bytes(),
        "gz": gzip.compress(_FRAME),
        "7z": b"7z\xbc\xaf\x27\x1c" + bytes(100),
    }[inner]
    zipped = write_zip(tmp_path / "a.zip", [*_FRAMES, ("14.png", content)])
    tarred = _tar(tmp_path / "a.tar", [(tarfile.TarInfo("14.png"), content)])
    assert isinstance(_refusal(zipped), ArchiveNotSafe)
    assert isinstance(_refusal(tarred), ArchiveNotSafe)


def test_ten_thousand_entries_are_refused(tmp_path: Path) -> None:
    """Before any of them is read."""
    zipped = write_zip(tmp_path / "a.zip", [(f"{n}.png", b"") for n in range(10_000)])
    tarred = _tar(tmp_path / "a.tar", [(tarfile.TarInfo(f"{n}.png"), b"") for n in range(10_000)])
    assert isinstance(_refusal(zipped), MediaTooLarge)
    assert isinstance(_refusal(tarred), MediaTooLarge)


def test_a_zip_that_lies_about_its_entries_is_refused(tmp_path: Path) -> None:
    """The count at the end may say 14; the size of the directory tells."""
    path = write_zip(tmp_path / "a.zip", [(f"{n}.png", b"") for n in range(40_000)])
    data = bytearray(path.read_bytes())
    struct.pack_into("<HH", data, len(data) - 22 + 8, 14, 14)
    path.write_bytes(bytes(data))
    assert isinstance(_refusal(path, replace(CaptureLimits(), max_entries=1000)), MediaTooLarge)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bomb_is_refused_unexploded(tmp_path: Path, kind: str) -> None:
    """64 MiB of zeros in 64 KiB."""
    zeros = bytes(64 * 2**20)
    if kind == "zip":
        path = write_zip(tmp_path / "a", [("1.png", zeros)])
    else:
        path = _tar(tmp_path / "a", [(tarfile.TarInfo("1.png"), zeros)], "w:gz")
    assert path.stat().st_size < 100_000
    assert isinstance(_refusal(path), MediaTooLarge)


def test_a_member_larger_than_it_says_is_refused(tmp_path: Path) -> None:
    """The declared size bounds what is unpacked."""
    path = write_zip(tmp_path / "a.zip", [("1.png", bytes(8 * 2**20))])
    data = path.read_bytes().replace(struct.pack("<I", 8 * 2**20), struct.pack("<I", 1000))
    path.write_bytes(data)
    assert isinstance(_refusal(path), MediaNotReadable)


def test_unpacked_bytes_are_bounded(tmp_path: Path) -> None:
    """All members count together."""
    limits = replace(CaptureLimits(), max_unpacked_bytes=5_000)
    zipped = write_zip(tmp_path / "a.zip", _FRAMES)
    tarred = _tar(tmp_path / "a.tar", [(tarfile.TarInfo(name), data) for name, data in _FRAMES])
    assert isinstance(_refusal(zipped, limits), MediaTooLarge)
    assert isinstance(_refusal(tarred, limits), MediaTooLarge)


def test_long_headers_of_a_tar_are_bounded(tmp_path: Path) -> None:
    """A path of eight megabytes is an attack on the parser, not a name."""
    member = tarfile.TarInfo("x" * (8 * 2**20))
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(b""))
    assert isinstance(_refusal(path), ArchiveNotSafe)


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    """The flag is enough; nobody is asked for a password."""
    path = write_zip(tmp_path / "a.zip", _FRAMES)
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    path.write_bytes(bytes(data))
    assert isinstance(_refusal(path), ArchiveNotSafe)


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    """Two members of one name have no order."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = write_zip(tmp_path / "a.zip", [*_FRAMES, _FRAMES[3]])
    assert isinstance(_refusal(path), ArchiveNotSafe)


def test_folders_and_the_litter_of_desktops_are_skipped(tmp_path: Path) -> None:
    """A zip made with the Finder or the Explorer is as good as any."""
    litter = [
        ("walk/", b""),
        ("__MACOSX/walk/._1.png", b"\x00\x05\x16\x07"),
        ("walk/.DS_Store", b"Bud1"),
        ("walk/Thumbs.db", b"\xd0\xcf\x11\xe0"),
        ("walk/._2.png", b"\x00\x05\x16\x07"),
    ]
    frames = [(f"walk/{name}", data) for name, data in _FRAMES]
    path = write_zip(tmp_path / "a.zip", litter + frames)
    assert len(capture_walk([path]).silhouettes) == len(_FRAMES)


def test_several_folders_are_several_walks(tmp_path: Path) -> None:
    """Frames of two walks must not be averaged into one person."""
    path = write_zip(
        tmp_path / "a.zip", [(f"{n % 2}/{name}", d) for n, (name, d) in enumerate(_FRAMES)]
    )
    assert isinstance(_refusal(path), MediaNotReadable)


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.98])
def test_truncated_archives_are_refused(tmp_path: Path, kept: float) -> None:
    """Half an archive is no shorter walk."""
    for path in (
        write_zip(tmp_path / "a.zip", _FRAMES),
        _tar(tmp_path / "a.tgz", [(tarfile.TarInfo(name), data) for name, data in _FRAMES], "w:gz"),
    ):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(kept * len(whole))])
        assert isinstance(_refusal(path), MediaNotReadable)


def test_an_archive_without_frames_is_refused(tmp_path: Path) -> None:
    """Nothing but litter, a text, or nothing at all."""
    for members in ([], [(".DS_Store", b"x")], [("readme.txt", b"hello")]):
        assert isinstance(_refusal(write_zip(tmp_path / "a.zip", members)), MediaNotReadable)


def test_names_sort_as_people_count() -> None:
    """Numbers inside names count as numbers."""
    names = ["f10.png", "f9.png", "f1.png", "F2.png"]
    assert sorted(names, key=natural_key) == ["f1.png", "F2.png", "f9.png", "f10.png"]

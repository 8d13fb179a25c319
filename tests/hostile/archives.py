"""Archives made to harm."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Sequence
from functools import cache

import numpy as np

from tests.model.capture.scenes import figure_hw, png

Members = Sequence[tuple[str, bytes]]
MIB = 2**20


@cache
def frames() -> Members:
    """A walk that is fine by itself."""
    return [(f"{t:02d}.png", png(figure_hw(60 + 5 * t, seconds=t / 25))) for t in range(14)]


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip, whatever its members are called."""
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", method) as archive:
        warnings.simplefilter("ignore", UserWarning)  # the same name twice
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return packed.getvalue()


def tarred(members: Members, *, mode: str = "w", change: tarfile.TarInfo | None = None) -> bytes:
    """A tar; `change` is one more header without content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        if change is not None:
            archive.addfile(change, io.BytesIO(bytes(change.size)))
    return packed.getvalue()


def special(name: str, kind: bytes, target: str = "/etc/passwd") -> tarfile.TarInfo:
    """A link or device."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def zip_of_overlapping_members() -> bytes:
    """A thousand names for the same megabyte: each is small enough, together they are a bomb."""
    data = bytearray(zipped([("0000.png", bytes(MIB))]))
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry = bytes(data[start:end])
    entries = b"".join(entry.replace(b"0000", f"{n:04d}".encode()) for n in range(1000))
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1000, 1000, len(entries), start, 0)
    return bytes(data[:start]) + entries + tail


def zip_with_link() -> bytes:
    """A symbolic link, as Info-ZIP writes it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("1.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return packed.getvalue()


def encrypted_zip() -> bytes:
    """A member that says it is encrypted."""
    data = bytearray(zipped(frames()))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def zip_that_lies_about_sizes() -> bytes:
    """Eight megabytes behind a size of a thousand bytes."""
    return zipped([("1.png", bytes(8 * MIB))]).replace(
        struct.pack("<I", 8 * MIB), struct.pack("<I", 1000)
    )


def zip_that_lies_about_its_count() -> bytes:
    """Forty thousand entries that are announced as fourteen."""
    data = bytearray(zipped([(f"{n}.png", b"") for n in range(40_000)]))
    struct.pack_into("<HH", data, len(data) - 22 + 8, 14, 14)
    return bytes(data)


def zip_of_impossible_offsets() -> bytes:
    """Members that begin beyond the end of the file."""
    data = bytearray(zipped(frames()))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 42, 0x7FFFFFFF)
    return bytes(data)


def tar_with_endless_record() -> bytes:
    """An extended header whose record says it is longer than a number can count.

    Found by fuzzing: the standard library's parser overflows.
    """
    header = special("1.png", tarfile.XHDTYPE, "")
    header.size = 512
    return header.tobuf(tarfile.USTAR_FORMAT) + b"99999999999999999999 a=b\n".ljust(10_240, b"\0")


def tar_with_size(number: bytes) -> bytes:
    """A member whose size field holds these 12 bytes, under a valid checksum."""
    header = bytearray(tarfile.TarInfo("1.png").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = number
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + bytes(10_240)


def tar_of_long_names() -> bytes:
    """A path of eight megabytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("x" * (8 * MIB)), io.BytesIO(b""))
    return packed.getvalue()


def sparse_tar() -> bytes:
    """A sparse file that claims a terabyte."""
    member = tarfile.TarInfo("1.png")
    member.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.realsize": str(2**40),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        content = b"1\n0\n512\n".ljust(1024, b"\0")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def gzip_of_gzips(depth: int = 12) -> bytes:
    """Gzip in gzip in gzip."""
    data = bytes(MIB)
    for _ in range(depth):
        data = gzip.compress(data)
    return data


def endless_gzip() -> bytes:
    """A gigabyte of nothing in many small gzip members, none of which is remarkable."""
    return gzip.compress(bytes(8 * MIB)) * 128


def pictures_of_many_sizes() -> bytes:
    """No two frames agree."""
    rng = np.random.default_rng(5)
    scenes = [rng.integers(0, 255, (40 + 3 * n, 60 + n, 3), np.uint8) for n in range(14)]
    return zipped([(f"{n:02d}.png", png(scene)) for n, scene in enumerate(scenes)])

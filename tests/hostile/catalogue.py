"""Every hostile file, and what may come of it.

python -m tests.hostile.catalogue FOLDER    writes them all

"""

from __future__ import annotations

import gzip
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tests.hostile import archives, pictures, videos
from tests.model.capture.scenes import figure_hw, jpeg, png

NOT_READABLE = frozenset({"media-not-readable"})
TOO_LARGE = frozenset({"media-too-large"})
NOT_SAFE = frozenset({"archive-not-safe"})
SEEN = frozenset(
    {
        *("a-walk", "too-few-frames", "too-few-cycles", "no-walker-found", "walker-stands-still"),
        *("walker-cut-off", "camera-moves", "several-walkers"),
    }
)
"""What may come of frames that were decoded: odd they are, but no attack."""
_TENTHS = range(1, 10)


@dataclass(frozen=True, slots=True)
class HostileFile:
    """One upload.

    Attributes:
        make: its bytes.
        outcomes: codes of the refusals that are right; "a-walk" where it may be accepted.
    """

    make: Callable[[], bytes]
    outcomes: frozenset[str]


def _cut(make: Callable[[], bytes], tenths: int) -> bytes:
    whole = make()
    return whole[: len(whole) * tenths // 10]


def _archives() -> dict[str, HostileFile]:
    good = archives.frames()
    sized = archives.tar_with_size
    link = archives.special
    return {
        "zip bomb": HostileFile(
            lambda: archives.zipped([("1.png", bytes(64 * archives.MIB))]), TOO_LARGE
        ),
        "zip of overlapping members": HostileFile(archives.zip_of_overlapping_members, TOO_LARGE),
        "zip that lies about sizes": HostileFile(archives.zip_that_lies_about_sizes, NOT_READABLE),
        "zip that lies about its count": HostileFile(
            archives.zip_that_lies_about_its_count, TOO_LARGE
        ),
        "zip of impossible offsets": HostileFile(archives.zip_of_impossible_offsets, NOT_READABLE),
        "zip of 10,000 names": HostileFile(
            lambda: archives.zipped([(f"{n}.png", b"") for n in range(10_000)]), TOO_LARGE
        ),
        "zip in a zip": HostileFile(
            lambda: archives.zipped([*good, ("14.png", archives.zipped(good))]), NOT_SAFE
        ),
        "zip with a path upwards": HostileFile(
            lambda: archives.zipped([*good, ("../../14.png", good[0][1])]), NOT_SAFE
        ),
        "zip with an absolute path": HostileFile(
            lambda: archives.zipped([*good, ("/tmp/14.png", good[0][1])]),  # noqa: S108
            NOT_SAFE,
        ),
        "zip with a link": HostileFile(archives.zip_with_link, NOT_SAFE),
        "zip with a password": HostileFile(archives.encrypted_zip, NOT_SAFE),
        "zip with one name twice": HostileFile(lambda: archives.zipped([*good, good[3]]), NOT_SAFE),
        "zip of bzip2": HostileFile(lambda: archives.zipped(good, zipfile.ZIP_BZIP2), NOT_READABLE),
        "zip of nothing": HostileFile(lambda: archives.zipped([]), NOT_READABLE),
        "zip of texts": HostileFile(
            lambda: archives.zipped([("1.png", b"hello"), ("2.png", b"")]), NOT_READABLE
        ),
        "zip of pictures of many sizes": HostileFile(archives.pictures_of_many_sizes, NOT_READABLE),
        "zip of a mask among scenes": HostileFile(
            lambda: archives.zipped(
                [*good[:9], *((f"{n}.png", pictures.DEEP) for n in range(20, 26))]
            ),
            NOT_READABLE,
        ),
        "gzip bomb": HostileFile(
            lambda: archives.tarred([("1.png", bytes(64 * archives.MIB))], mode="w:gz"), TOO_LARGE
        ),
        "gzip in gzip": HostileFile(archives.gzip_of_gzips, NOT_READABLE),
        "gzip without end": HostileFile(archives.endless_gzip, NOT_READABLE),
        "gzip of a picture": HostileFile(lambda: gzip.compress(good[0][1]), NOT_READABLE),
        "tar of 10,000 names": HostileFile(
            lambda: archives.tarred([(f"{n}.png", b"") for n in range(10_000)]), TOO_LARGE
        ),
        "tar in a tar": HostileFile(
            lambda: archives.tarred([("1.png", archives.tarred(good))]), NOT_SAFE
        ),
        "tar with a path upwards": HostileFile(
            lambda: archives.tarred([("../1.png", good[0][1])]), NOT_SAFE
        ),
        "tar with one name twice": HostileFile(lambda: archives.tarred([*good, good[3]]), NOT_SAFE),
        **{
            f"tar with {name}": HostileFile(
                partial(archives.tarred, good, change=link("99.png", kind)), NOT_SAFE
            )
            for name, kind in (
                ("a symbolic link", tarfile.SYMTYPE),
                ("a hard link", tarfile.LNKTYPE),
                ("a device", tarfile.BLKTYPE),
                ("a pipe", tarfile.FIFOTYPE),
            )
        },
        "tar of a terabyte": HostileFile(lambda: sized(b"\x80" + bytes(5) + b"\1" * 6), TOO_LARGE),
        "tar with an endless record": HostileFile(archives.tar_with_endless_record, NOT_READABLE),
        "tar of a negative size": HostileFile(lambda: sized(b"\xff" * 12), NOT_READABLE),
        "tar of a sparse terabyte": HostileFile(archives.sparse_tar, NOT_SAFE | TOO_LARGE),
        "tar of long names": HostileFile(archives.tar_of_long_names, NOT_SAFE),
        **{
            f"zip cut at {tenths}0 %": HostileFile(
                partial(_cut, lambda: archives.zipped(good), tenths), NOT_READABLE
            )
            for tenths in _TENTHS
        },
        **{
            f"tar.gz cut at {tenths}0 %": HostileFile(
                partial(_cut, lambda: archives.tarred(good, mode="w:gz"), tenths), NOT_READABLE
            )
            for tenths in _TENTHS
        },
    }


def _pictures() -> dict[str, HostileFile]:
    figure = figure_hw(100, seconds=0.0)
    return {
        "picture of one pixel": HostileFile(lambda: pictures.ONE_PIXEL, SEEN),
        "picture of 30000x30000": HostileFile(
            partial(pictures.HUGE_PNG, 30_000, 30_000), TOO_LARGE
        ),
        "picture without width": HostileFile(partial(pictures.raw_png, 0, 8), NOT_READABLE),
        "picture of texts": HostileFile(pictures.png_of_texts, NOT_READABLE),
        "picture of four gigabytes": HostileFile(pictures.png_of_four_gigabytes, NOT_READABLE),
        "picture of four gigabytes behind a false end": HostileFile(
            partial(pictures.png_of_four_gigabytes, bytes(10)), NOT_READABLE
        ),
        "picture with too many rows": HostileFile(pictures.png_with_too_many_rows, SEEN),
        "animated picture": HostileFile(pictures.animated_png, NOT_READABLE),
        "picture without pixels": HostileFile(partial(pictures.raw_png, 64, 64), NOT_READABLE),
        "picture of 16 bits": HostileFile(lambda: pictures.DEEP, SEEN),
        "transparent picture": HostileFile(lambda: pictures.TRANSPARENT, SEEN),
        "photograph of 65500x65500": HostileFile(pictures.huge_jpeg, TOO_LARGE),
        "photograph of thousands of scans": HostileFile(
            partial(pictures.jpeg_of_scans, 600), NOT_READABLE
        ),
        "photograph of 90 large scans": HostileFile(
            partial(pictures.jpeg_of_scans, 18, 1500), TOO_LARGE
        ),
        **{
            f"{suffix} called png": HostileFile(partial(pictures.encoded, suffix), NOT_READABLE)
            for suffix in (".bmp", ".tiff", ".webp", ".pgm")
        },
        **{
            f"picture cut at {tenths}0 %": HostileFile(
                partial(_cut, lambda: png(figure), tenths), NOT_READABLE
            )
            for tenths in _TENTHS
        },
        **{
            f"photograph cut at {tenths}0 %": HostileFile(
                partial(_cut, lambda: jpeg(figure), tenths), NOT_READABLE
            )
            for tenths in _TENTHS
        },
        **{
            f"photograph with flipped bits {seed}": HostileFile(
                partial(lambda seed: pictures.flipped(jpeg(figure), seed), seed),
                SEEN | NOT_READABLE,
            )
            for seed in range(3)
        },
    }


def _videos() -> dict[str, HostileFile]:
    encode = videos.encode
    return {
        "film of no frames": HostileFile(videos.mp4_without_frames, NOT_READABLE),
        "avi of no frames": HostileFile(videos.avi_without_frames, NOT_READABLE),
        "film without end": HostileFile(
            partial(encode, "mp4", "mpeg4", frames=3010, size=(16, 16), rate=5), TOO_LARGE
        ),
        "stream without end": HostileFile(
            partial(encode, "mpegts", "libx264", frames=3010, size=(16, 16), rate=5), TOO_LARGE
        ),
        **{
            f"avi at {rate}/{scale} frames a second": HostileFile(
                partial(videos.avi_with_rate, scale, rate), SEEN | NOT_READABLE
            )
            for scale, rate in ((0, 0), (0, 25), (1, 2**32 - 1), (2**32 - 1, 1), (2**31, 2**31))
        },
        "avi of 60000x60000": HostileFile(
            partial(videos.avi_with_size, 60_000, 60_000), TOO_LARGE | NOT_READABLE
        ),
        "avi of a negative size": HostileFile(
            partial(videos.avi_with_size, 96, 2**31 - 9), TOO_LARGE | NOT_READABLE
        ),
        "film whose pictures lie elsewhere": HostileFile(videos.mp4_elsewhere, SEEN | NOT_READABLE),
        "film of sound": HostileFile(videos.sound_only, NOT_READABLE),
        "stream of changing size": HostileFile(videos.ts_of_changing_size, SEEN),
        **{
            f"film in {codec}": HostileFile(partial(encode, box, codec, pixels), NOT_READABLE)
            for box, codec, pixels in (
                ("matroska", "ffv1", "yuv420p"),
                ("mov", "png", "rgb24"),
                ("avi", "huffyuv", "yuv422p"),
                ("avi", "wmv2", "yuv420p"),
                ("mov", "qtrle", "rgb24"),
            )
        },
        **{
            f"{box}, which is not accepted": HostileFile(
                partial(encode, box, codec, pixels), NOT_READABLE
            )
            for box, codec, pixels in (
                ("flv", "flv1", "yuv420p"),
                ("yuv4mpegpipe", "wrapped_avframe", "yuv420p"),
                ("gif", "gif", "rgb8"),
                ("h264", "libx264", "yuv420p"),
            )
        },
        "playlist of a secret": HostileFile(
            lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", NOT_READABLE
        ),
        "list of other files": HostileFile(
            lambda: b"ffconcat version 1.0\nfile '/etc/passwd'\n", NOT_READABLE
        ),
        "noise behind a good beginning": HostileFile(
            lambda: b"\0\0\0\x18ftypisom" + np.random.default_rng(1).bytes(50_000), NOT_READABLE
        ),
        **{
            f"{box} cut at {tenths}0 %": HostileFile(
                partial(_cut, partial(videos.clip, box), tenths), SEEN | NOT_READABLE
            )
            for box in ("mp4", "avi", "matroska", "mpegts")
            for tenths in _TENTHS
        },
        **{
            f"{box} with flipped bits {seed}": HostileFile(
                partial(lambda box, seed: pictures.flipped(videos.clip(box), seed), box, seed),
                SEEN | NOT_READABLE | TOO_LARGE,
            )
            for box in ("mp4", "avi", "matroska", "mpegts")
            for seed in range(3)
        },
    }


def _others() -> dict[str, HostileFile]:
    return {
        "nothing": HostileFile(lambda: b"", NOT_READABLE),
        "a text": HostileFile(lambda: b"this is not a film\n" * 100, NOT_READABLE),
        "zeros": HostileFile(lambda: bytes(100_000), NOT_READABLE),
        "a program": HostileFile(lambda: b"\x7fELF" + bytes(1000), NOT_READABLE),
        "another archive": HostileFile(lambda: b"7z\xbc\xaf\x27\x1c" + bytes(100), NOT_READABLE),
    }


CATALOGUE: dict[str, HostileFile] = {**_archives(), **_pictures(), **_videos(), **_others()}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, hostile in CATALOGUE.items():
        (folder / name.replace("/", " to ")).write_bytes(hostile.make())

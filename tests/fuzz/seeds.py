"""Writes the inputs that fuzzing starts from: `python -m tests.fuzz.seeds`."""

from __future__ import annotations

import zipfile

import cv2
import numpy as np

from tests.fuzz.entrances import CORPUS
from tests.hostile import archives, pictures, videos
from tests.hostile.catalogue import CATALOGUE
from tests.model.capture.scenes import figure_hw, jpeg, png

_MAX_SEED_BYTES = 12_000


def archive_seeds() -> dict[str, bytes]:
    """Good ones, and the hostile ones that are small."""
    small = [(f"{t}.png", png(figure_hw(60 + 5 * t, seconds=t)[::5, ::5])) for t in range(3)]
    seeds = {
        "good.zip": archives.zipped(small),
        "stored.zip": archives.zipped(small, zipfile.ZIP_STORED),
        "good.tar": archives.tarred(small),
        "good.tgz": archives.tarred(small, mode="w:gz"),
    }
    return seeds | _small("zip", "tar", "gzip")


def image_seeds() -> dict[str, bytes]:
    """Of every colour type, grey and progressive photographs, and the hostile ones."""
    figure = np.ascontiguousarray(figure_hw(100, seconds=0.0)[::5, ::5])
    rng = np.random.default_rng(3)
    colour = rng.integers(0, 255, (12, 16, 3), np.uint8)
    seeds = {
        "mask.png": png(figure),
        "bilevel.png": bytes(cv2.imencode(".png", figure, [cv2.IMWRITE_PNG_BILEVEL, 1])[1]),
        "colour.png": png(colour),
        "deep.png": pictures.DEEP,
        "transparent.png": pictures.TRANSPARENT,
        "grey.jpg": jpeg(figure),
        "colour.jpg": jpeg(colour),
        "progressive.jpg": pictures.jpeg_of_scans(2, 24),
    }
    return seeds | _small("picture", "photograph", "animated")


def video_seeds() -> dict[str, bytes]:
    """Three frames in every container and codec that is accepted."""
    made = {
        ("mp4", "libx264", "yuv420p"),
        ("mp4", "mpeg4", "yuv420p"),
        ("mov", "prores_ks", "yuv422p10le"),
        ("avi", "mjpeg", "yuvj420p"),
        ("avi", "rawvideo", "bgr24"),
        ("avi", "msmpeg4", "yuv420p"),
        ("webm", "libvpx", "yuv420p"),
        ("matroska", "mpeg4", "yuv420p"),
        ("mpegts", "mpeg2video", "yuv420p"),
        ("mpeg", "mpeg1video", "yuv420p"),
    }
    size = (32, 32)
    seeds = {
        f"{container}-{codec}": videos.encode(container, codec, pixels, frames=3, size=size)
        for container, codec, pixels in sorted(made)
    }
    return seeds | _small("film of", "avi of no")


def _small(*beginnings: str) -> dict[str, bytes]:
    made = {
        name.replace(" ", "-"): hostile.make()
        for name, hostile in CATALOGUE.items()
        if name.startswith(beginnings) and "cut at" not in name and "flipped" not in name
    }
    return {name: data for name, data in made.items() if 0 < len(data) <= _MAX_SEED_BYTES}


if __name__ == "__main__":
    for entrance, seeds in (
        ("archive", archive_seeds()),
        ("image", image_seeds()),
        ("video", video_seeds()),
    ):
        folder = CORPUS / entrance
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)

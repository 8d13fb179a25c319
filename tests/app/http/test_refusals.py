"""Bad input: a 4xx problem that says what to do, and nothing stored."""

from __future__ import annotations

import io
import struct
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from tests.live_service import LiveService
from tests.walks import walk_masks, walk_pictures, walk_zip, zip_of

PERSON = 4


def bomb_png(side: int) -> bytes:
    """A square PNG of one colour: small as a file, huge once decoded."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    packer = zlib.compressobj(9)
    row = b"\0" * (side // 8 + 1)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def video_of(frames_thw: list[np.ndarray]) -> bytes:
    """A grey video at 25 frames a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        rows, columns = frames_thw[0].shape
        video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (columns, rows))
        for frame_hw in frames_thw:
            video.write(cv2.cvtColor(frame_hw, cv2.COLOR_GRAY2BGR))
        video.release()
        return path.read_bytes()


def wall(rows: int = 160, columns: int = 400) -> np.ndarray:
    """Plaster: something for a camera to hold on to."""
    noise_hw = np.random.default_rng(0).normal(90, 25, (rows, columns)).clip(0, 255)
    return cv2.GaussianBlur(noise_hw.astype(np.uint8), (0, 0), 1.5)


def zip_with_link() -> bytes:
    """A tar with a symbolic link among its frames (zip tools differ in how they write one)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        link = tarfile.TarInfo("000.png")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        archive.addfile(link)
    return packed.getvalue()


def zip_of_masks(masks: list[np.ndarray]) -> bytes:
    encoded = [cv2.imencode(".png", mask_hw)[1].tobytes() for mask_hw in masks]
    return zip_of({f"{number:03d}.png": png for number, png in enumerate(encoded)})


def standing() -> bytes:
    return zip_of_masks([walk_masks(PERSON)[0]] * 50)


def upper_half_only() -> bytes:
    rows = np.flatnonzero(walk_masks(PERSON).any(axis=(0, 2)))
    hip = (rows[0] + rows[-1]) // 2
    return zip_of_masks([mask_hw[:hip] for mask_hw in walk_masks(PERSON)])


def nobody() -> bytes:
    rng = np.random.default_rng(1)
    noisy = [wall().astype(int) + rng.normal(0, 2, wall().shape) for _ in range(50)]
    return video_of([frame.clip(0, 255).astype(np.uint8) for frame in noisy])


def panning_camera() -> bytes:
    scene = wall(columns=700)
    frames = []
    for number, mask_hw in enumerate(walk_masks(PERSON)):
        view = scene[:, 5 * number : 5 * number + mask_hw.shape[1]].copy()
        view[: mask_hw.shape[0]][mask_hw > 0] = 230
        frames.append(view[:, : mask_hw.shape[1] // 2 * 2])
    return video_of(frames)


CASES: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "an empty file": (lambda: b"", {"media-not-readable"}),
    "text named .mp4": (lambda: b"this is not a film\n" * 100, {"media-not-readable"}),
    "a truncated PNG": (
        lambda: zip_of({f"{n}.png": png[:60] for n, png in enumerate(walk_pictures(PERSON))}),
        {"media-not-readable"},
    ),
    "a truncated zip": (lambda: walk_zip(PERSON)[:5000], {"media-not-readable"}),
    "a zip that leaves its folder": (
        lambda: zip_of({f"../{n}.png": png for n, png in enumerate(walk_pictures(PERSON))}),
        {"archive-not-safe"},
    ),
    "a link": (zip_with_link, {"archive-not-safe"}),
    "a zip in a zip": (lambda: zip_of({"walk.zip": walk_zip(PERSON)}), {"archive-not-safe"}),
    "10,000 entries": (
        lambda: zip_of({f"{n}.png": b"" for n in range(10_000)}),
        {"media-too-large"},
    ),
    "a 30000x30000 PNG": (lambda: bomb_png(30_000), {"media-too-large"}),
    "three frames": (
        lambda: zip_of({f"{n}.png": png for n, png in enumerate(walk_pictures(PERSON)[:3])}),
        {"too-few-frames"},
    ),
    "a standing person": (standing, {"walker-stands-still", "too-few-cycles"}),
    "a half-visible walker": (upper_half_only, {"walker-cut-off"}),
    "a video without a person": (nobody, {"no-walker-found"}),
    "a moving camera": (panning_camera, {"camera-moves"}),
}


def assert_refused(response: httpx.Response, status: int, *slugs: str) -> dict[str, object]:
    document: dict[str, object] = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert response.status_code == document["status"] == status, document
    assert str(document["type"]).removeprefix("/problems/") in slugs, document
    assert document["detail"]
    assert len(str(document["advice"])) > 20  # says what to do
    return document


@pytest.mark.parametrize("case", CASES)
def test_media_that_cannot_be_used_are_refused_and_nothing_is_stored(
    service: LiveService, case: str
) -> None:
    make, slugs = CASES[case]
    before = service.registry.galleries.list()

    response = service.http.post(
        "/enroll",
        data={"subject": "nobody", "gallery": "refused"},
        files={"walk": ("walk.mp4", make())},
    )

    assert_refused(response, 422, *slugs)
    assert service.registry.galleries.list() == before
    assert service.stored_uploads == []


@pytest.mark.parametrize(
    ("route", "fields", "field"),
    [
        ("/enroll", {}, "subject"),
        ("/enroll", {"subject": ""}, "subject"),
        ("/enroll", {"subject": "a\x00b"}, "subject"),
        ("/enroll", {"subject": "tab\there"}, "subject"),
        ("/enroll", {"subject": "left\u202eright"}, "subject"),
        ("/enroll", {"subject": "x" * 129}, "subject"),
        ("/enroll", {"subject": "a", "gallery": "no spaces"}, "gallery"),
        ("/enroll", {"subject": "a", "gallery": "x" * 65}, "gallery"),
        ("/enroll", {"subject": "a", "metadata": "[1]"}, "metadata"),
        ("/enroll", {"subject": "a", "metadata": "{oops"}, "metadata"),
        ("/enroll", {"subject": "a", "metadata": "[" * 20_000}, "metadata"),
        ("/enroll", {"subject": "a", "galery": "typo"}, "galery"),
        ("/enroll", {"subject": "a", "name": "n" * 40_000}, "name"),
        ("/identify", {"top_k": "0"}, "top_k"),
        ("/identify", {"top_k": "51"}, "top_k"),
        ("/identify", {"top_k": "3.5"}, "top_k"),
        ("/identify", {"target_fpir": "0"}, "target_fpir"),
        ("/identify", {"target_fpir": "1"}, "target_fpir"),
        ("/identify", {"target_fpir": "nan"}, "target_fpir"),
        ("/identify", {"fps": "-3"}, "fps"),
        ("/identify", {"expires_in": "0"}, "expires_in"),
        ("/enroll", {"subject": "a", "expires_in": "90000"}, "expires_in"),
        ("/verify", {"subject": "a", "expires_in": "soon"}, "expires_in"),
        ("/verify", {"subject": "a", "target_fmr": "two"}, "target_fmr"),
        ("/verify", {}, "subject"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(
    service: LiveService, route: str, fields: dict[str, str], field: str
) -> None:
    response = service.http.post(route, data=fields, files={"walk": walk_zip(PERSON)})

    assert assert_refused(response, 422, "invalid-field")["field"] == field
    assert service.stored_uploads == []


def test_a_call_without_a_walk_is_refused(service: LiveService) -> None:
    response = service.http.post("/identify", files={"gallery": (None, "default")})

    assert_refused(response, 422, "missing-walk")


def test_identify_takes_one_walk_only(service: LiveService) -> None:
    two = [("walk", walk_zip(PERSON)), ("walk", walk_zip(PERSON, walk=2))]

    assert_refused(service.http.post("/identify", files=two), 422, "missing-walk")
    assert service.stored_uploads == []


def test_a_gallery_nobody_enrolled_into_is_unknown(service: LiveService) -> None:
    response = service.http.post(
        "/identify", data={"gallery": "nowhere"}, files={"walk": walk_zip(PERSON)}
    )

    assert_refused(response, 404, "unknown-gallery")
    assert "nowhere" not in [gallery.name for gallery in service.registry.galleries.list()]


def test_a_subject_nobody_enrolled_cannot_be_verified(service: LiveService, gallery: str) -> None:
    service.http.post("/galleries", json={"name": gallery}).raise_for_status()

    response = service.http.post(
        "/verify",
        data={"gallery": gallery, "subject": "nobody"},
        files={"walk": walk_zip(PERSON)},
    )

    assert_refused(response, 404, "unknown-subject")

"""What images install is pinned, complete, and no more than their part needs."""

from __future__ import annotations

import pytest

from tests.images.requirements import IMAGES, Image, distributions, text_of

_HEAVY = {"torch", "opencv-python-headless", "faiss-cpu", "openvino", "onnxruntime", "scipy"}
_API, _WORKER, _GPU = IMAGES


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_the_list_of_an_image_follows_the_lock_file(image: Image) -> None:
    stale = "out of date: run `python -m tests.images.requirements`"
    assert image.path.read_text(encoding="utf-8") == text_of(image), stale


def test_who_answers_calls_carries_no_network_no_pictures_and_no_index() -> None:
    assert not _HEAVY & distributions(_API)
    assert {"fastapi", "aio-pika", "psycopg-binary", "uvicorn"} <= distributions(_API)


def test_a_worker_without_a_gpu_carries_no_torch() -> None:
    assert _HEAVY - distributions(_WORKER) == {"torch"}
    assert distributions(_GPU) >= _HEAVY

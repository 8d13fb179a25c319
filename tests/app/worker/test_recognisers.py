"""A checkpoint that is loaded gets the batch size that was asked for, and goes when it should."""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from app.registry import Registry
from app.settings import Settings
from app.telemetry import Metrics
from app.worker import lasting
from app.worker.checkpoint_files import read_new_checkpoint, shipped_checkpoint
from app.worker.recognisers import Recognisers
from model.encoder import Encoder
from tests.other_checkpoints import checkpoint_file, other_checkpoint, shipped_id


@pytest.fixture
def registry(sqlite_url: str) -> Iterator[Registry]:
    opened = Registry.open(sqlite_url)
    opened.checkpoints.settle(shipped_checkpoint(), None)
    yield opened
    opened.close()


def _largest_batch_of(registry: Registry, settings: Settings, walks: int) -> int:
    """Embeds so many walks of one recording at once, and answers how many shared a pass."""
    metrics = Metrics()
    recognisers = Recognisers(registry, settings, metrics)
    geis_nhw = np.random.default_rng(2).integers(0, 256, (walks, 64, 44), np.uint8)
    with recognisers.use([shipped_id()]) as (recogniser,):
        vectors_nd = recogniser.batcher.encode(list(geis_nhw))
        served_nd = Encoder.load(device="cpu", threads=1).encode(geis_nhw)
        assert (vectors_nd * served_nd).sum(axis=1).min() >= 0.9999
    recognisers.close()
    read = metrics.collection.get_sample_value
    batches = read("walkprint_encoder_batch_walks_count")
    assert batches is not None
    assert read("walkprint_encoder_batch_walks_sum") == walks
    return -(-walks // int(batches))


def test_no_pass_takes_more_walks_than_were_set(registry: Registry) -> None:
    settings = Settings(device="cpu", runtime="onnxruntime", batch_size=2)
    assert _largest_batch_of(registry, settings, 6) <= 2


def test_a_latency_that_no_batch_can_keep_has_walks_go_alone(registry: Registry) -> None:
    """A microsecond: whatever the batch size says, it is measured that two walks take longer."""
    settings = Settings(device="cpu", runtime="onnxruntime", batch_size=32, batch_latency_ms=0.001)
    assert _largest_batch_of(registry, settings, 4) == 1


def test_a_latency_that_every_batch_keeps_has_the_largest(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour; more walks than `batch_size` share a pass. The limit is small to be quick."""
    monkeypatch.setattr("app.worker.recognisers.ENCODE_AT_ONCE", 8)
    settings = Settings(
        device="cpu", runtime="onnxruntime", batch_size=1, batch_latency_ms=3_600_000.0
    )
    assert _largest_batch_of(registry, settings, 8) > 1


def test_a_worker_on_a_cpu_never_imports_torch() -> None:
    """Everything a worker imports, and a batch that is begun and waited for."""
    program = """
import sys
import numpy as np
import app.worker.recognition, app.worker_process
from model.encoder import Encoder
encoder = Encoder.load(device="cpu", threads=1)
assert encoder.begin(np.zeros((1, 64, 44), np.uint8))().shape == (1, 256)
print("torch" in sys.modules)
"""
    done = subprocess.run(  # noqa: S603 (this program)
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


def test_a_checkpoint_that_was_replaced_gives_its_memory_back(registry: Registry) -> None:
    """Though all that was loaded is set apart from the collector, and an encoder holds itself."""
    settings = Settings(device="cpu", runtime="onnxruntime")
    registry.checkpoints.install(read_new_checkpoint(checkpoint_file(), "new"))
    recognisers = Recognisers(registry, settings, Metrics())
    recognisers.keep([shipped_id()])
    with recognisers.use([shipped_id()]) as (recogniser,):
        replaced = weakref.WeakMethod(recogniser.encode)
    del recogniser
    lasting.set_apart()
    try:
        recognisers.keep([other_checkpoint().checkpoint_id])
        assert replaced() is None
    finally:
        recognisers.close()
        lasting.let_go()

"""Concurrent walks share forward passes.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from app.telemetry import Metrics
from app.worker.batcher import Batcher
from model.in_flight import Vectors, at_once


class SlowEncoder:
    """Embeds a GEI as its own mean, and waits in the first call until it is let go."""

    def __init__(self) -> None:
        self.batch_sizes: list[int] = []
        self.first_call = threading.Event()
        self.go = threading.Event()

    def encode(self, geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batch_sizes.append(len(geis_nhw))
        self.first_call.set()
        assert self.go.wait(10)
        means_n = geis_nhw.mean(axis=(1, 2))
        return np.stack([means_n, -means_n], axis=1).astype(np.float32)


def gei(value: int) -> NDArray[np.uint8]:
    return np.full((4, 3), value, np.uint8)


def test_what_waits_while_the_encoder_is_busy_goes_together() -> None:
    encoder = SlowEncoder()
    batcher = Batcher(at_once(encoder.encode), 4, Metrics())
    with ThreadPoolExecutor(10) as callers:
        first = callers.submit(batcher.encode, [gei(0)])
        assert encoder.first_call.wait(10)
        others = [callers.submit(batcher.encode, [gei(value)]) for value in range(1, 8)]
        while batcher.waiting < 7:
            threading.Event().wait(0.001)
        encoder.go.set()
        vectors = [future.result()[0] for future in (first, *others)]
    batcher.close()

    assert encoder.batch_sizes == [1, 4, 3]
    # Everybody gets their own vector, whichever batch it came in.
    assert [vector[0] for vector in vectors] == list(range(8))


def test_a_walk_alone_does_not_wait_for_others() -> None:
    encoder = SlowEncoder()
    encoder.go.set()
    batcher = Batcher(at_once(encoder.encode), 32, Metrics())

    assert batcher.encode([gei(9)]).tolist() == [[9.0, -9.0]]
    batcher.close()


def test_an_error_of_the_encoder_reaches_everybody_in_the_batch_and_no_one_else() -> None:
    def refuse_blank(geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not geis_nhw.any():
            raise ValueError("blank")
        return np.ones((len(geis_nhw), 2), np.float32)

    batcher = Batcher(at_once(refuse_blank), 1, Metrics())
    with pytest.raises(ValueError, match="blank"):
        batcher.encode([gei(0)])

    assert batcher.encode([gei(1)]).tolist() == [[1.0, 1.0]]
    batcher.close()


def test_the_walks_of_one_recording_share_a_batch_and_keep_their_order() -> None:
    encoder = SlowEncoder()
    batcher = Batcher(at_once(encoder.encode), 32, Metrics())
    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(batcher.encode, [gei(0)])
        assert encoder.first_call.wait(10)
        passes = callers.submit(batcher.encode, [gei(3), gei(1), gei(2)])
        while batcher.waiting < 3:
            threading.Event().wait(0.001)
        encoder.go.set()
        assert passes.result()[:, 0].tolist() == [3.0, 1.0, 2.0]
        assert first.result().shape == (1, 2)
    batcher.close()

    assert encoder.batch_sizes == [1, 3]


class Elsewhere:
    """Embeds as `SlowEncoder` does, but on another device: begun at once, done when told."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.waits: list[tuple[int, int]] = []
        self.first_wait = threading.Event()
        self.go = threading.Event()

    def begin(self, geis_nhw: NDArray[np.uint8]) -> Vectors:
        number = len(self.begun)
        self.begun.append(len(geis_nhw))

        def vectors() -> NDArray[np.float32]:
            self.waits.append((number, len(self.begun)))
            self.first_wait.set()
            assert self.go.wait(10)
            if not geis_nhw.any():
                raise ValueError("blank")
            means_n1: NDArray[np.float32] = geis_nhw.mean(axis=(1, 2))[:, None].astype(np.float32)
            return means_n1

        return vectors


def test_the_next_batch_is_begun_while_one_is_in_flight() -> None:
    """While there is work; a batch alone is waited for at once."""
    device = Elsewhere()
    batcher = Batcher(device.begin, 2, Metrics(), in_flight=2)
    with ThreadPoolExecutor(2) as callers:
        alone = callers.submit(batcher.encode, [gei(9)])
        assert device.first_wait.wait(10)
        assert device.begun == [1]
        together = callers.submit(batcher.encode, [gei(value) for value in range(1, 7)])
        while batcher.waiting < 6:
            threading.Event().wait(0.001)
        device.go.set()
        assert alone.result().tolist() == [[9.0]]
        assert together.result()[:, 0].tolist() == [1, 2, 3, 4, 5, 6]
    batcher.close()

    # Each wait with how many batches had been begun by then.
    assert device.waits == [(0, 1), (1, 3), (2, 4), (3, 4)]
    assert device.begun == [1, 2, 2, 2]


def test_a_batch_that_fails_in_flight_takes_no_other_along() -> None:
    device = Elsewhere()
    batcher = Batcher(device.begin, 1, Metrics(), in_flight=2)
    with ThreadPoolExecutor(3) as callers:
        first = callers.submit(batcher.encode, [gei(1)])
        assert device.first_wait.wait(10)
        blank = callers.submit(batcher.encode, [gei(0)])
        while batcher.waiting < 1:
            threading.Event().wait(0.001)
        last = callers.submit(batcher.encode, [gei(2)])
        device.go.set()
        assert (first.result()[0, 0], last.result()[0, 0]) == (1.0, 2.0)
        with pytest.raises(ValueError, match="blank"):
            blank.result()
    batcher.close()


def test_closing_delivers_what_is_in_flight_and_what_waits() -> None:
    device = Elsewhere()
    batcher = Batcher(device.begin, 1, Metrics(), in_flight=2)
    with ThreadPoolExecutor(4) as callers:
        values = [callers.submit(batcher.encode, [gei(value)]) for value in (1, 2, 3)]
        while batcher.waiting + len(device.begun) < 3:
            threading.Event().wait(0.001)
        closed = callers.submit(batcher.close)
        device.go.set()
        closed.result()
        assert sorted(each.result()[0, 0] for each in values) == [1.0, 2.0, 3.0]

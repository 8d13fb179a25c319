"""What template protection costs, and what it leaves as it was: docs/template-protection.md.

    python -m tests.benchmarks.bench_protection [--templates 100000] [--postgresql]

Turning a probe; protecting and renewing a gallery, on a database with a master key, while another
thread searches it; the decisions before and after; then the attack that works: how much of a vector
comes back to whoever knows some pairs of plain and protected vectors.

Shape letters: N templates, K known pairs, D embedding size.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from app.registry import Registry
from app.registry.rotation import Rotation
from app.registry.rotation.matrix import rotation_matrix
from app.search import GallerySearch
from tests.benchmarks.registry_filling import (
    CHECKPOINT,
    GALLERY,
    centres_sd,
    fill,
    subject_of,
    template_blocks,
    walk_like,
)
from tests.benchmarks.timing import cpu_milliseconds
from tests.sealing import KEY, master_keys_of
from tests.servers import postgres_server

_D = 256
_PROBES = 1000
_KNOWN = (16, 64, 128, 192, 256)

console = Console(width=110)


def seconds_of(act: Callable[[], object]) -> float:
    """How long something takes, by the clock on the wall."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def probe_cost() -> None:
    """Turning a probe, and making the matrix of a secret."""
    rotation = Rotation.fresh()
    probe_kd = template_sample(1)
    taken = cpu_milliseconds(
        {
            "turn one probe": lambda: rotation.turned(probe_kd),
            "make a matrix": lambda: rotation_matrix.__wrapped__(bytes(32), _D),
        },
        200,
    )
    for name, milliseconds in taken.items():
        console.print(f"{name}: {milliseconds:.3f} ms CPU (D {_D})")


def template_sample(number: int) -> NDArray[np.float32]:
    """(number, D) vectors as a gallery has them."""
    return next(template_blocks(max(number, 5), _D))[:number]


def answers(search: GallerySearch, probes_nd: NDArray[np.float32]) -> list[tuple[str, float]]:
    """Best candidate and score of each probe."""
    found = [search.search(GALLERY, CHECKPOINT, each[None], top_k=1) for each in probes_nd]
    return [(each.candidates[0].subject, each.candidates[0].score) for each in found]


def gallery_cost(url: str, templates: int) -> None:
    """Protects and renews a gallery, also while it is searched, and compares the decisions."""
    fill(url, templates, _D)
    registry = Registry.open(url, master_keys=master_keys_of(KEY))
    for _ in registry.encryption.apply():
        pass
    search = GallerySearch(registry)
    subjects = centres_sd(subject_of(templates), _D)
    chosen = np.random.default_rng(3).choice(len(subjects), _PROBES, replace=False)
    probes_nd = walk_like(subjects[chosen], np.random.default_rng(4))
    before = answers(search, probes_nd)
    for name, act in (
        ("protect", registry.protection.protect),
        ("renew", registry.protection.renew),
    ):
        cpu = -time.process_time()
        wall = seconds_of(partial(act, GALLERY))
        cpu += time.process_time()
        following = seconds_of(lambda: answers(search, probes_nd[:1]))
        console.print(
            f"{name} {templates} templates: {wall:.1f} s, {cpu:.1f} s CPU; the first search after"
            f" that {following:.2f} s"
        )
    slowest, searches, taken = beside_searches(
        search, probes_nd, lambda: registry.protection.renew(GALLERY)
    )
    console.print(
        f"renew beside a thread that searches: {taken:.1f} s; {searches} searches, the slowest"
        f" {slowest:.2f} s"
    )
    after = answers(search, probes_nd)
    same = sum(was[0] == now[0] for was, now in zip(before, after, strict=True))
    largest = max(abs(was[1] - now[1]) for was, now in zip(before, after, strict=True))
    console.print(
        f"best candidates that stayed: {same} of {_PROBES}; largest difference of a score:"
        f" {largest:.1e}"
    )
    search.close()
    registry.close()


def beside_searches(
    search: GallerySearch, probes_nd: NDArray[np.float32], act: Callable[[], object]
) -> tuple[float, int, float]:
    """Seconds of the slowest search beside something, how many there were, and how long it took."""
    done = threading.Event()
    taken: list[float] = []

    def look() -> None:
        while not done.is_set():
            probe_kd = probes_nd[len(taken) % len(probes_nd)][None]
            taken.append(seconds_of(partial(search.search, GALLERY, CHECKPOINT, probe_kd, top_k=1)))

    thread = threading.Thread(target=look)
    thread.start()
    seconds = seconds_of(act)
    done.set()
    thread.join()
    return max(taken, default=0.0), len(taken), seconds


def what_is_given_away() -> None:
    """Links between two galleries, and the Procrustes attack (Schönemann 1966)."""
    ours, theirs = Rotation(b"o" * 32), Rotation(b"t" * 32)  # the same figures each time
    people = centres_sd(2000, _D)
    first_nd, second_nd = (walk_like(people, np.random.default_rng(seed)) for seed in (5, 6))
    for name, scores_nn in (
        ("plain", first_nd @ second_nd.T),
        ("protected", ours.turned(first_nd) @ theirs.turned(second_nd).T),
    ):
        same_n = np.diag(scores_nn)
        others = (scores_nn.sum() - same_n.sum()) / (scores_nn.size - len(same_n))
        linked = (scores_nn.argmax(axis=1) == np.arange(len(people))).mean()
        console.print(
            f"two {name} galleries of the same 2000 people: mean cosine of one person"
            f" {same_n.mean():+.3f}, of two {others:+.3f}; linked right: {100 * linked:.2f} %"
        )
    turned_nd = ours.turned(second_nd)
    for known in _KNOWN:
        plain_kd = first_nd[:known]
        u_dd, _, v_dd = np.linalg.svd(ours.turned(plain_kd).T.astype(np.float64) @ plain_kd)
        opened_nd = turned_nd @ (u_dd @ v_dd)
        cosine = float((opened_nd * second_nd).sum(axis=1).mean())
        linked_n = (opened_nd[known:] @ first_nd[known:].T).argmax(axis=1)
        right = (linked_n == np.arange(len(linked_n))).mean()
        console.print(
            f"{known} known pairs: cosine of an opened vector with the plain one {cosine:.3f};"
            f" people recognised by it: {100 * right:.1f} %"
        )


def main() -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=100_000)
    parser.add_argument("--postgresql", action="store_true")
    wanted = parser.parse_args()
    probe_cost()
    with tempfile.TemporaryDirectory() as folder:
        if wanted.postgresql:
            with postgres_server() as server:
                gallery_cost(server.create_database(), wanted.templates)
        else:
            gallery_cost(f"sqlite:///{folder}/bench.db", wanted.templates)
    what_is_given_away()


if __name__ == "__main__":
    main()

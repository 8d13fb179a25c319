"""The processes of one training, started by `torchrun`: one batch, shared out among them.

Every process makes the whole batch, which is a function of (seed, step), and takes its own rows.
What looks at the whole batch (the loss, the statistics of the norms) is gathered *with its
gradient*, so that N processes take the steps that one would take, up to rounding.

Gradients are summed in one flat tensor rather than by torch's DistributedDataParallel: that one
lays its buckets out anew after the first step, and beyond two processes the order of a sum would
depend on when a run was taken up.

Shape letters: R processes, N walks in the whole batch, M = N / R of one process.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import torch
from torch import Tensor, distributed

LONGEST_WAIT = timedelta(hours=12)  # the first process generates the walkers meanwhile


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of the training.

    Attributes:
        rank: its number; 0 writes state, log and checkpoint.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def own(self, rows: Tensor) -> Tensor:
        """This process's rows: (N, …) → (M, …), whole people each."""
        share = len(rows) // self.size
        return rows[self.rank * share : (self.rank + 1) * share]

    def check_share(self, people: int) -> None:
        """Refuses a batch that cannot be shared out evenly by people.

        Raises:
            ValueError: its number of people is no multiple of the number of processes.
        """
        if people % self.size:
            msg = f"a batch of {people} people cannot be shared out evenly to {self.size} processes"
            raise ValueError(msg)

    def check_same(self, step: int) -> None:
        """Refuses processes that took up different states.

        Raises:
            ValueError: they stand at different steps, as without a folder that all of them see.
        """
        if self.size == 1:
            return
        steps: list[Any] = [None] * self.size
        distributed.all_gather_object(steps, step)
        if len(set(steps)) > 1:
            msg = f"the processes took up different steps {steps}; all must see the same folder"
            raise ValueError(msg)

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replaces each gradient by its sum over all processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    @contextmanager
    def first_one_first(self) -> Generator[None]:
        """The first process does it while the others wait, and they find its results."""
        if self.size > 1 and not self.writes:
            distributed.barrier()
        yield
        if self.size > 1 and self.writes:
            distributed.barrier()


def join_ranks(device: str) -> Ranks:
    """Joins the processes that `torchrun` started; without it this one is all there are."""
    if not distributed.is_available():
        return Ranks()
    if not distributed.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "MASTER_ADDR" not in os.environ:
            return Ranks()
        on_gpu = torch.device(device).type == "cuda"
        if on_gpu:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=LONGEST_WAIT)
    return Ranks(distributed.get_rank(), distributed.get_world_size())


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(_context: Any, own: Tensor) -> Tensor:
        own = own.contiguous()
        parts = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, own)
        return torch.cat(parts)

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        distributed.all_reduce(total)
        rank, size = distributed.get_rank(), distributed.get_world_size()
        return total.chunk(size)[rank]


def gathered(own: Tensor) -> Tensor:
    """The rows of all processes, in order: (M, …) → (N, …).

    Its gradient is summed over the processes: what each of them makes of the rows counts.
    """
    if not distributed.is_initialized():
        return own
    return cast("Tensor", _Gathered.apply(own))  # type: ignore[no-untyped-call]  # torch leaves it untyped

"""How much memory the inner loop of a meta-training keeps, told before it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from weakref import WeakSet

import torch
from torch import Tensor

from .errors import EnvironmentFault, out_of_memory
from .learner import Learner
from .learners.maml import Maml
from .task import Task

FREE, LIMIT, USED = (Path(p) for p in ("/proc/meminfo", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"))
REMEDY = (
    "set checkpointed = true, which keeps one step and takes the others again; or take fewer steps, fewer queries a "
    "task, smaller crops, or the learner first_order_maml or imaml"
)


class Piece:
    """A tensor that a graph keeps, for as long as it does."""

    def __init__(self, tensor: Tensor):
        self.tensor = tensor


def kept_bytes(loss: Callable[[], Tensor]) -> int:
    """What the graph of a loss keeps for its gradient once it is there, each piece counted once."""
    pieces: WeakSet[Piece] = WeakSet()

    def note(tensor: Tensor) -> Piece:
        piece = Piece(tensor)
        pieces.add(piece)
        return piece

    with torch.autograd.graph.saved_tensors_hooks(note, lambda piece: piece.tensor):
        held = loss()
    storages = [piece.tensor.untyped_storage() for piece in pieces]
    del held
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def needed_bytes(learner: Learner, task: Task) -> int:
    """What a task keeps while its gradient is taken: measured with one step and with two, a line through the two.

    The tasks of an outer step come one after the other, so they add nothing. 0 where no inner step is kept.
    """
    if not isinstance(learner, Maml) or learner.checkpointed or not learner.second_order or learner.steps < 2:
        return 0
    with torch.random.fork_rng(devices=[]):
        one, two = (kept_bytes(partial(with_steps(learner, steps).task_loss, task)) for steps in (1, 2))
    return one + (learner.steps - 1) * max(0, two - one)


def with_steps(learner: Maml, steps: int) -> Maml:
    """A learner of the same sizes, ready to train."""
    found = replace(learner, steps=steps, checkpointed=False)
    found.net.to(next(learner.net.parameters()).dtype).train()
    found.net.progress = 1.0  # when all that changes while training is at its full cost
    return found


def free_bytes() -> int | None:
    """Memory that is free to this process; None where the system doesn't tell."""
    try:
        line = next(text for text in FREE.read_text().splitlines() if text.startswith("MemAvailable"))
        free = int(line.split()[1]) * 1024
    except (OSError, StopIteration, ValueError, IndexError):
        return None
    try:
        return min(free, int(LIMIT.read_text()) - int(USED.read_text()))
    except (OSError, ValueError):  # no limit, or none that is said here
        return free


def foretell(learner: object, tasks: Sequence[Task], note: Callable[[str], object]) -> None:
    """Say, before training begins, where the largest of its first tasks takes more than half of the free memory."""
    if not isinstance(learner, Maml):
        return
    largest = max(tasks, key=lambda task: len(task.support) + len(task.query))
    need, free = needed_bytes(learner, largest), free_bytes()
    if free is not None and need > free / 2:
        has = f"the inner steps of a task keep about {need / 1e9:.2g} GB, and {free / 1e9:.2g} GB are free"
        note(f"{has}: {REMEDY}.")


@contextmanager
def enough_memory(where: str) -> Iterator[None]:
    """Raise EnvironmentFault with the remedy where the memory is used up."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise EnvironmentFault(f"out of memory at {where}: {REMEDY}.") from error

"""How the process computes: one thread a block of a map, memory that serves again, draws of a seed of their own."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8  # names of glibc's mallopt, from malloc.h


def one_thread() -> None:
    """Compute everything in the thread that asks for it.

    A block's bytes must not depend on how many threads share its sums, and blocks are computed side by side already.
    """
    torch.set_num_threads(1)
    threadpool_limits(1)  # numpy's and scipy's


def keep_freed_memory() -> None:
    """Let what one block of a map, or one task, has freed serve the next.

    By default glibc gives large pieces back to the system and asks for them again, page by page, a few dozen times a
    block or a task: up to as long as all computing takes. Elsewhere than on glibc nothing is changed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    for what, value in ((MMAP_MAX, 0), (TRIM_THRESHOLD, -1), (ARENA_MAX, 1)):
        mallopt(what, value)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """PyTorch's draws within come from this seed; those afterwards go on as if there had been none."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield

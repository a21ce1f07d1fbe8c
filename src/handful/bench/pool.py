"""Work over processes: the same results in the same order, whatever the number of workers."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context, parent_process
from typing import Any, TypeVar

import torch

Job = TypeVar("Job")
Result = TypeVar("Result")
Setup = TypeVar("Setup")


def in_order(
    make: Callable[[Setup], Callable[[Job], Result]], setup: Setup, jobs: Iterable[Job], workers: int
) -> Iterator[Result]:
    """The result of each job in the order of the jobs.

    make   what a process needs once, from the setup: a function of one job; a class or function of a module
    setup  plain words that travel to another process

    A process computes with one thread: sums of floats depend on how threads share them.
    """
    if workers <= 1:
        torch.set_num_threads(1)
        work = make(setup)
        yield from (work(job) for job in jobs)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=start, initargs=(make, setup))
    try:
        yield from pool.map(work_here, jobs)
    except BaseException:  # an interrupt too: nobody wants what workers still do
        for child in active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


class Here:
    """What this process was made for."""

    work: Callable[[Any], Any]


def start(make: Callable[[Any], Callable[[Any], Any]], setup: Any) -> None:
    """A worker leaves interrupts to the process that started it, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    if not os.environ.get("HANDFUL_DEBUG"):
        warnings.simplefilter("ignore")  # as the command line has it; a worker's would be said once each
    Here.work = staticmethod(make(setup))  # type: ignore[assignment]


def end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def work_here(job: Any) -> Any:
    return Here.work(job)

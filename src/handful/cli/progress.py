"""Bars with the time left, on a terminal only. Layers below take a plain function of numbers and know no bar."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any


class Stages:
    """A bar for each stage of a job, on stderr; nothing where that is no terminal, or `quiet`.

    It is called with (stage, done, total), from any thread.
    """

    def __init__(self, quiet: bool = False):
        self._shown = not quiet and sys.stderr.isatty()
        self._lock = threading.Lock()
        self._bar: Any = None
        self._rows: dict[str, Any] = {}

    def __enter__(self) -> Stages:
        if self._shown:
            self._bar = make_bar()
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if self._bar is None:
            return
        with self._lock:
            if stage not in self._rows:
                self._rows[stage] = self._bar.add_task(stage, total=total, completed=done)  # not by this run
        self._bar.update(self._rows[stage], completed=done, total=total)


class Progress(Stages):
    """One bar that counts by itself.

    >>> with Progress("reading sites", 4, quiet=True) as progress:
    ...     progress.advance(3)
    ...     progress.advance()
    ...     progress.done
    4
    """

    def __init__(self, title: str, total: int | None = None, *, quiet: bool = False):
        super().__init__(quiet)
        self.title, self.total, self.done = title, total, 0

    def advance(self, n: int = 1) -> None:
        """So many more are done; from any thread."""
        with self._lock:
            self.done += n
        self(self.title, self.done, self.total)

    def __enter__(self) -> Progress:
        super().__enter__()
        self(self.title, 0, self.total)
        return self


def make_bar() -> Any:
    """A bar of rich: title, bar, share, time passed, time left."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    title = TextColumn("{task.description}", markup=False)
    columns = (title, BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeLeft())
    return Progress(*columns, console=Console(stderr=True))

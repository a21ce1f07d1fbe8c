"""Bars with the time left, on a terminal only. Layers below take a plain `progress(done, total)` and know no bar."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any


class Progress:
    """A bar with the time left, on stderr; nothing where stderr is no terminal, or `quiet`.

    >>> with Progress("mapping", 4, quiet=True) as progress:
    ...     progress.advance(2)
    ...     progress(4, 4)
    ...     progress.done
    4

    It may be advanced from any thread, and called with (done, total) in place of `advance`.
    """

    def __init__(self, title: str, total: int | None = None, *, quiet: bool = False):
        self.title, self.total, self.done = title, total, 0
        self.shown = not quiet and sys.stderr.isatty()
        self._lock = threading.Lock()
        self._bar: Any = None
        self._row: Any = None

    def __enter__(self) -> Progress:
        if self.shown:
            self._bar = make_bar()
            self._row = self._bar.add_task(self.title, total=self.total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, n: int = 1) -> None:
        with self._lock:
            self.done += n
            done = self.done
        self._show(done)

    def __call__(self, done: int, total: int) -> None:
        with self._lock:
            self.done, self.total = max(done, self.done), total
        self._show(self.done)

    def _show(self, done: int) -> None:
        if self._bar is not None:
            self._bar.update(self._row, completed=done, total=self.total)


def make_bar() -> Any:
    """A bar of rich: title, bar, share, time passed, time left."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeLeft())
    return Progress(*columns, console=Console(stderr=True))

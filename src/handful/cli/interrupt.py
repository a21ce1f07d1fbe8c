"""Ctrl-C and SIGTERM stop a command within two seconds, even inside a long call of compiled code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE = 1.5  # seconds in which Python may unwind by itself
SHOW_CURSOR = "\x1b[?25h"  # a progress bar hides it


class Told:
    """Says once that the command was interrupted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said = False

    def message(self) -> None:
        with self._lock:
            if not self._said:
                self._said = True
                os.write(2, b"handful: interrupted; run the same command again to go on.\n")


@contextmanager
def interruptible() -> Iterator[Told]:
    """Within the block SIGINT and SIGTERM raise KeyboardInterrupt; where that isn't heard in time, the process ends.

    Python hears a signal between two of its own steps only. A pipe that the signal writes to at once wakes a thread,
    which ends the process after GRACE seconds. Nothing is lost: files take their final names only when whole.
    """
    told = Told()
    if threading.current_thread() is not threading.main_thread():
        yield told
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    threading.Thread(target=_watch, args=(reader, told), daemon=True).start()
    old_handlers = {number: signal.signal(number, _raise) for number in (signal.SIGINT, signal.SIGTERM)}
    old_fd = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield told
    finally:
        signal.set_wakeup_fd(old_fd)
        for number, handler in old_handlers.items():
            signal.signal(number, handler)
        os.close(writer)


def _raise(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _watch(reader: int, told: Told) -> None:
    """Wait for a signal's number in the pipe; end the process if it is still there after the grace."""
    while byte := os.read(reader, 1):
        if byte[0] in (signal.SIGINT, signal.SIGTERM):
            threading.Event().wait(GRACE)
            told.message()
            if sys.stderr.isatty():
                os.write(2, SHOW_CURSOR.encode())
            os._exit(130)
    os.close(reader)

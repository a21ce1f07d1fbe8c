"""How the process keeps memory between blocks."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8  # names of glibc's mallopt, from malloc.h


def keep_freed_memory() -> None:
    """Let what one block has freed serve the next.

    By default glibc gives large pieces back to the system and asks for them again, page by page, a few dozen times a
    block: about as long as all computing takes. Elsewhere than on glibc nothing is changed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    for what, value in ((MMAP_MAX, 0), (TRIM_THRESHOLD, -1), (ARENA_MAX, 1)):
        mallopt(what, value)

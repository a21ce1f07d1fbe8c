"""What an exception that no door caught means for a person: the machine, their files, or a bug of ours."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from pathlib import Path

from ..errors import out_of_memory

BUG, USAGE, ENVIRONMENT, INTERRUPTED, PIPE_CLOSED = 1, 2, 5, 130, 141

MACHINE = {
    errno.ENOSPC: "the disk is full: free some space, then run the same command again to go on.",
    errno.EDQUOT: "your disk quota is used up: free some space, then run the same command again to go on.",
    errno.EFBIG: "a file is too large for this disk or your limit: raise it (ulimit -f) or choose another folder.",
    errno.EACCES: "permission denied: choose a place that you may read and write.",
    errno.EPERM: "permission denied: choose a place that you may read and write.",
    errno.EROFS: "the file system is read-only: choose another output folder.",
    errno.EMFILE: "too many open files: raise the limit (ulimit -n) or use fewer workers.",
    errno.ENFILE: "the machine has too many open files: close some programs.",
    errno.EIO: "the disk reports an error: check it, or copy the file elsewhere.",
    errno.ENOMEM: "out of memory: use a smaller --window or fewer --workers, or close other programs.",
}
# GDAL, SQLite and torch say these in words only.
WORDS = {
    "no space left": errno.ENOSPC,
    "disk is full": errno.ENOSPC,
    "write error": errno.ENOSPC,
    "quota exceeded": errno.EDQUOT,
    "permission denied": errno.EACCES,
    "read-only file system": errno.EROFS,
    "too many open files": errno.EMFILE,
}
FILES = {
    errno.ENOENT: "no such file or folder: check the path.",
    errno.ENOTDIR: "not a folder: check the path.",
    errno.EISDIR: "a folder, where a file was expected.",
    errno.EEXIST: "is there already: choose another name.",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one.",
    errno.ELOOP: "a link that leads to itself: check the path.",
}
FROM_OUTSIDE = ("rasterio.", "pyogrio.", "sqlite3", "torch.")


def explain(error: BaseException) -> tuple[str, int]:
    """A message with the remedy, and the exit status."""
    for cause in chain(error):
        number = machine_number(cause)
        if number in MACHINE:
            return place(cause) + MACHINE[number], ENVIRONMENT
        if isinstance(cause, OSError) and cause.errno in FILES:
            return place(cause) + FILES[cause.errno], USAGE
    return bug(error), BUG


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that it was raised from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def machine_number(error: BaseException) -> int | None:
    """The errno of a fault of the machine, read from the message where an error has none."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if isinstance(error, (OSError, RuntimeError, ImportError)) or type(error).__module__.startswith(FROM_OUTSIDE):
        text = str(error).lower()
        if out_of_memory(error):
            return errno.ENOMEM
        return next((number for words, number in WORDS.items() if words in text), None)
    return None


def place(error: BaseException) -> str:
    """The file that it happened to, as the beginning of a message."""
    name = getattr(error, "filename", None)
    return f"{name}: " if isinstance(name, str) else ""


def bug(error: BaseException) -> str:
    """What to report: the error in one line, and the innermost place in this package."""
    root = str(Path(__file__).parents[1])
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(root)]
    where = f" ({Path(frames[-1].filename).relative_to(root)}, line {frames[-1].lineno})" if frames else ""
    first = (str(error).splitlines() or [""])[0][:300]
    return f"this is a bug of ours: {type(error).__name__}: {first}{where}. Please report it with your command."

"""What readers share about files: whether a data set is whole, and that a file is read once a process."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar

from ..errors import DataError
from ..files import read_bounded

Read = TypeVar("Read")
KEPT = 8  # files of a kind that are remembered
MOST_BYTES = 256 * 2**20  # of a text file: more is not a table of a data set that is read here


def present(root: Path, names: Sequence[str], source: str) -> bool:
    """Whether a data set is there: False where none of its files is.

    Raises DataError that names what is missing where only a part is there.
    """
    missing = [name for name in names if not (root / name).exists()]
    if missing and len(missing) < len(names):
        raise DataError(f"{root} holds only a part of the data set: {', '.join(missing)} missing. {source}")
    return not missing


def once(read: Callable[[Path], Read]) -> Callable[[Path], Read]:
    """`read`, whose answer is remembered in this process for as long as the file stays the same.

    A forked process opens files anew: it would share the place in the file with its parent. The answer is shared by
    all who ask, so nobody changes it. Raises DataError where the file is missing.
    """

    @lru_cache(maxsize=KEPT)
    def kept(path: Path, changed: int, size: int, process: int) -> Read:
        return read(path)

    @wraps(read)
    def of(path: Path) -> Read:
        try:
            state = path.stat()
        except OSError as why:
            raise DataError(f"{path} cannot be read ({why.strerror}): fetch the data set again.") from why
        return kept(path, state.st_mtime_ns, state.st_size, os.getpid())

    return of


def content(path: Path, remedy: str, most: int) -> bytes:
    """The bytes of a file, of at most so many. Raises DataError where it is missing or cannot be read."""
    try:
        return read_bounded(path, most)
    except FileNotFoundError:
        raise DataError(f"{path} is missing. {remedy}") from None
    except PermissionError:  # the machine's fault, not the file's
        raise
    except (OSError, ValueError) as why:
        raise DataError(f"{path} cannot be read ({why}): fetch it again.") from why


@once
def csv_rows(path: Path) -> tuple[dict[str, str], ...]:
    """The rows of a CSV by column. Raises DataError where it isn't one, or where a row is cut short."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path} has more than {MOST_BYTES:,} bytes: it is not a table of this data set.")
        with open(path, newline="", encoding="utf-8") as file:
            rows = tuple(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as why:
        raise DataError(f"{path} cannot be read as CSV ({why}): fetch it again.") from why
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise DataError(f"{path}, row {number} has another number of fields than the head: fetch it again.")
    return rows


def csv_columns(path: Path, columns: Sequence[str]) -> tuple[dict[str, str], ...]:
    """The rows of a CSV that has at least these columns. Raises DataError where one is missing, or all rows are."""
    rows = csv_rows(path)
    missing = [name for name in columns if not rows or name not in rows[0]]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}, or no row: fetch it again.")
    return rows

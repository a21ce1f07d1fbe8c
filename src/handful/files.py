"""The one way in which handful writes: a temporary name in the same folder, flushed, then renamed.

And the one way in which it reads a small file of somebody else's whole: a regular file, and no more than it may have.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A temporary path to write to; it takes the name `path` only once it is whole and on disk.

    Whatever stood under `path` stays until then, and stays for good where the block raises.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.part{path.suffix}")
    part.unlink(missing_ok=True)  # of a killed run; and never through a link
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    with whole(path) as part:
        part.write_bytes(content)


def write_text(path: str | Path, text: str) -> None:
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> None:
    write_bytes(path, as_json(value))


def as_json(value: Any) -> bytes:
    r"""A JSON document, in UTF-8; what isn't text (half a character, a path in another encoding) as JSON's escape.

    >>> as_json(["é", "\udcff"])
    b'[\n "\xc3\xa9",\n "\\udcff"\n]\n'
    """
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace")


def checksum(path: str | Path) -> str:
    """The SHA-256 of a file, as `sha256:...`."""
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def check_regular(path: str | Path) -> None:
    """Raise ValueError for what isn't a regular file: reading a pipe or a device might never end."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise ValueError("it is a folder" if stat.S_ISDIR(mode) else "it is no regular file")


def read_bounded(path: str | Path, most: int) -> bytes:
    """All bytes of a regular file of at most `most` bytes.

    Raises ValueError, in a few words, for another file or name, and whatever `open` raises.
    """
    check_regular(path)
    with open(path, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it has more than {most:,} bytes")
    return content


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8; the name of a file may be any bytes."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)

"""The output folder of a command: continued where it broke off, kept from a finished run and from what isn't ours."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from .errors import OutputError
from .files import check_regular, is_text

LOCK = ".handful.lock"
HARMLESS = {".DS_Store", "Thumbs.db", "desktop.ini", LOCK}


@contextmanager
def claim(
    folder: str | Path, ours: Collection[str], *, overwrite: bool = False, final: str = "run.json"
) -> Iterator[Path]:
    """The folder, made where missing and held by this process alone until the block ends.

    ours       relative names that this command writes, `*` allowed in each part: {"map.tif", "model/*"}
    overwrite  remove our own files of a finished run first, and nothing else
    final      the file that is written last: where it is whole, the run is finished

    A folder that a refused command made is removed again while it is empty.
    Raises OutputError where the folder holds a finished run, other things, or another run at work.
    """
    folder = Path(folder)
    check(folder, ours, overwrite=overwrite, final=final)
    made = make_folders(folder)
    try:
        with hold(folder):
            check(folder, ours, overwrite=overwrite, final=final)  # again, now that nobody else can write
            if finished(folder / final):
                remove(folder, ours, final)
            yield folder
    finally:
        for path in made:
            remove_if_empty(path)


def check(folder: Path, ours: Collection[str], *, overwrite: bool = False, final: str = "run.json") -> None:
    """Whether `claim` would take the folder; changes nothing. Raises OutputError where it wouldn't."""
    if not is_text(str(folder)):
        raise OutputError(f"{folder} is no name in UTF-8: give the folder another, in plain letters.")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file: give a folder to write to.")
    done = finished(folder / final)
    if done and not overwrite:
        raise OutputError(f"{folder} holds a finished run: add --overwrite to replace it, or choose another folder.")
    strangers = sorted(name for name in contents(folder) if not any(matches(name, own) for own in (*ours, final)))
    if (folder / final).exists() and not done:
        strangers.insert(0, final)
    if strangers and not done:
        named = ", ".join(strangers[:3]) + (f" and {len(strangers) - 3} more" if len(strangers) > 3 else "")
        raise OutputError(f"{folder} holds other things ({named}): give an empty folder, or the name of a new one.")
    blocked = [name for name in ours if (folder / name).is_dir() and not (folder / name).is_symlink()]
    if blocked:
        raise OutputError(f"{folder / blocked[0]} is a folder, where a file goes: remove it, or choose another folder.")


def spare(folder: Path, ours: Collection[str], inputs: Iterable[str | Path | None]) -> None:
    """Raise OutputError where an input is, or holds, a file of the folder that a run would write over or remove."""
    for given in (str(one) for one in inputs if one):
        path = Path(os.path.realpath(given))
        if not path.is_relative_to(os.path.realpath(folder)):
            continue
        name = path.relative_to(os.path.realpath(folder)).as_posix()
        if name == "." or any(matches(name, own) or own.startswith(f"{name}/") for own in ours):
            raise OutputError(f"{given} lies where this run would write, in {folder}: choose another output folder.")


def finished(final: Path) -> bool:
    """Whether the file that is written last is there, whole, and written by handful."""
    try:
        check_regular(final)
        record = json.loads(final.read_text("utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and "handful" in record


def contents(folder: Path) -> Iterator[str]:
    """Relative names of all files and links below the folder, without those that any desktop strews."""
    for here, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        for name in (*files, *links):
            if name not in HARMLESS:
                yield (Path(here) / name).relative_to(folder).as_posix()


def matches(name: str, own: str) -> bool:
    """Whether a relative name is one of ours, or the unfinished part of one (see files.whole).

    >>> matches("model/model.json", "model/*"), matches("old/map.tif", "map.tif")
    (True, False)
    >>> matches(".map.tif.part.tif", "map.tif")
    True
    """
    parts, wanted = name.split("/"), own.split("/")
    if len(parts) != len(wanted) or not all(map(fnmatchcase, parts[:-1], wanted[:-1])):
        return False
    last = parts[-1]
    return fnmatchcase(last, wanted[-1]) or fnmatchcase(last, f".{wanted[-1]}.part*")


def remove(folder: Path, ours: Collection[str], final: str) -> None:
    """Remove our own files; the last one first, so that a broken removal is never taken for a finished run."""
    (folder / final).unlink(missing_ok=True)
    names = [name for name in contents(folder) if any(matches(name, own) for own in ours)]
    for name in names:
        (folder / name).unlink()
    below = {parent for name in names for parent in (folder / name).parents if folder in parent.parents}
    for parent in sorted(below, reverse=True):  # a folder comes after those in it
        remove_if_empty(parent)


def make_folders(folder: Path) -> list[Path]:
    """Make the folder and its missing parents; those made, innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        for path in missing:
            remove_if_empty(path)
        raise
    return missing


def remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            raise


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """A lock on the folder that dies with the process. Raises OutputError where another process holds it."""
    path = folder / LOCK
    with lock_file(path):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def own(path: str, flags: int) -> int:
    """Open a file for writing, unless its name is a link, which might lead to anybody's file, or a pipe's."""
    try:
        opened = os.open(path, flags & ~os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        raise OutputError(f"{path} is no plain file: remove it, or choose another folder.") from None
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OutputError(f"{path} is no plain file: remove it, or choose another folder.")
    return opened


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """The file of that name, locked; taken anew where its last holder removed it meanwhile."""
    while True:
        with open(path, "w", opener=own) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"{path.parent} is being written by another run: wait for it, or choose another folder."
                raise OutputError(message) from None
            except OSError as error:  # a file system without locks
                if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                    raise
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield
                return

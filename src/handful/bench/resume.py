"""The folder of a bench or a search that broke off: its tasks are kept, and nothing else goes on in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import OutputError
from ..files import write_json
from .tasks import FILE, TaskList, read_tasks
from .work import PARTS

STATE = "protocol.json"


def opened(
    folder: Path, key: str, told: Mapping[str, Any], draw: Callable[[], TaskList], list_file: str | None = None
) -> TaskList:
    """The tasks of a folder that is ours, kept there beside what is done with them.

    key   of what is done; told: the same in words
    draw  the tasks anew. Raises OutputError where the folder holds results of something else.
    """
    tasks = kept_tasks(folder, key, draw, list_file)
    write_json(folder / STATE, {"handful": __version__, "key": f"{key}/{tasks.checksum}", "protocol": told})
    if not (folder / FILE).exists():
        tasks.write(folder / FILE)
    (folder / PARTS).mkdir(exist_ok=True)
    return tasks


def kept_tasks(folder: Path, key: str, draw: Callable[[], TaskList], list_file: str | None) -> TaskList:
    """The tasks of a run that broke off here, else drawn anew. Raises OutputError for another protocol's."""
    if not (folder / STATE).exists():
        return draw()
    try:
        told = json.loads((folder / STATE).read_text("utf-8"))
        tasks = read_tasks(list_file or folder / FILE) if (folder / FILE).exists() else draw()
        same = told.get("key") == f"{key}/{tasks.checksum}"
    except (ValueError, AttributeError):
        same = False
    if not same:
        raise OutputError(
            f"{folder} holds results of another protocol or list of tasks: choose another folder, or add --overwrite."
        )
    return tasks

"""The tasks of a bench as a file that can be shared: which labels are the support, and which are asked about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import DataError, SettingsError
from ..files import write_text
from .folds import Fold

FORMAT = 1
FILE = "tasks.json"
MOST = 1 << 30  # bytes of a list


@dataclass(frozen=True)
class Drawn:
    """One task by the rows of its examples, counted over the flattened targets of its regions, one after the other.

    name     of the site, or of the draw where sites are classes
    unit     what intervals count it with
    regions  the sites; where sites are classes, one for each class of the task
    classes  the data's classes that the task asks about, in its own order; class i of the task is classes[i]
    support  rows of the support
    query    rows that are asked about; None for all labelled rows of its classes but `support` and `apart`
    apart    rows in neither
    """

    fold: int
    name: str
    unit: str
    regions: tuple[str, ...]
    classes: tuple[int, ...]
    shots: int
    draw: int
    support: tuple[int, ...]
    query: tuple[int, ...] | None = None
    apart: tuple[int, ...] = ()


@dataclass(frozen=True)
class TaskList:
    """Tasks with the splits that they belong to.

    prints   a checksum of each site's labels, so that a list is only used with the data that it was drawn from
    classes  the names of a site's classes; under '' those that all sites share
    notes    what was left out, and why
    """

    data: str
    rules: dict[str, Any]
    folds: tuple[Fold, ...]
    tasks: tuple[Drawn, ...]
    prints: dict[str, str] = field(default_factory=dict)
    classes: dict[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def checksum(self) -> str:
        return digest(self.plain())

    def plain(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "data": self.data,
            "rules": self.rules,
            "folds": [asdict(fold) for fold in self.folds],
            "prints": self.prints,
            "classes": self.classes,
            "notes": list(self.notes),
            "tasks": [asdict(task) for task in self.tasks],
        }

    def write(self, path: Path) -> None:
        """One task a line: a list of hundreds can be read and compared."""
        told = self.plain()
        tasks = ",\n".join(json.dumps(task, ensure_ascii=False) for task in told.pop("tasks"))
        head = json.dumps({"checksum": self.checksum, **told}, indent=1, ensure_ascii=False)
        write_text(path, head.removesuffix("\n}") + f',\n "tasks": [\n{tasks}\n]}}\n')


def digest(plain: Mapping[str, Any]) -> str:
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def read_tasks(path: str | Path) -> TaskList:
    """The list of a file. Raises DataError where it is damaged or was changed by hand."""
    path = Path(path)
    try:
        if path.stat().st_size > MOST:
            raise DataError(f"{path} is too large for a list of tasks.")
        told = json.loads(path.read_text("utf-8"))
        found, said = list_of(told), told["checksum"]
    except FileNotFoundError:
        raise DataError(f"{path} doesn't exist: give a tasks.json that `handful bench` wrote.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as why:
        raise DataError(f"{path} is no list of tasks ({why}): give a tasks.json that `handful bench` wrote.") from why
    if found.checksum != said:
        raise DataError(f"{path} isn't as it was written: its checksum is {found.checksum[:19]}…, it says {said[:19]}…")
    return found


def list_of(told: Mapping[str, Any]) -> TaskList:
    if told["format"] != FORMAT:
        raise ValueError(f"format {told['format']}, expected {FORMAT}")
    folds = [Fold(f["name"], *(tuple(f[part]) for part in ("train", "validation", "test"))) for f in told["folds"]]
    return TaskList(
        str(told["data"]),
        dict(told["rules"]),
        tuple(folds),
        tuple(drawn_of(task) for task in told["tasks"]),
        dict(told["prints"]),
        dict(told["classes"]),
        tuple(told["notes"]),
    )


def drawn_of(task: Mapping[str, Any]) -> Drawn:
    tuples: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in task.items()}
    return Drawn(**tuples)


def check_fits(tasks: TaskList, data: str, rules: Mapping[str, Any]) -> None:
    """Raise SettingsError where a given list isn't one of this protocol."""
    if tasks.data != data:
        raise SettingsError(f"the list of tasks is of '{tasks.data}', the protocol of '{data}': give another list.")
    odd = [key for key in rules if tasks.rules.get(key) != json.loads(json.dumps(rules[key]))]
    if odd:
        raise SettingsError(
            f"the list of tasks was drawn with {odd[0]} = {tasks.rules.get(odd[0])!r}, the protocol says "
            f"{rules[odd[0]]!r}: use the protocol that the list was drawn by."
        )


def chunks(tasks: Sequence[Drawn], size: int) -> Iterator[tuple[int, int]]:
    """Ranges of tasks that are worked on together: whole sites, about `size` tasks; a function of the list alone."""
    start = 0
    for end in range(1, len(tasks) + 1):
        last = end == len(tasks)
        parts = last or (tasks[end].fold, tasks[end].regions) != (tasks[end - 1].fold, tasks[end - 1].regions)
        full = end - start >= size
        if last or (parts and (full or tasks[end].fold != tasks[end - 1].fold)):
            yield start, end
            start = end

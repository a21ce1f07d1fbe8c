"""A protocol: data and split, tasks, learners, and how they are judged. A TOML file, every key of it checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from ..data import DataSet, find_data
from ..errors import HandfulError, SettingsError, did_you_mean
from ..transfer import print_of
from .entries import Entry, check_entry, entry_of
from .features import Features
from .folds import Fold, drawn_folds, official, one_out
from .recipe import check_keys, checked, read_toml
from .scores import BETTER
from .sources import check_sets
from .starts import check_learned, file_of, resolved

ONE_OUT = "leave-one-group-out"
Count = Annotated[int, Field(ge=1, strict=True)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Data:
    """The data set, and how its sites part.

    name        of the data set
    split       one of the data set's own splits by name, or 'leave-one-group-out'; drawn where empty
    test        groups by name, a number of sites, or a share of them, where the split is drawn
    validation  the same of those that are left; also where an official split has no such part
    repeats     how many splits are drawn
    classes     'hidden': each task has its own anonymous order of classes; 'shared': a class means the same in all
    unit        what intervals count as one: 'group', 'site', 'split' or 'task'; the data set's own where empty
    features    what all learners see of an image instead of its pixels, see Features; the pixels where empty
    """

    name: str
    split: str = ""
    test: tuple[str, ...] | Count | Share = 0.3
    validation: tuple[str, ...] | Count | Share = 0.1
    repeats: PositiveInt = 1
    classes: Literal["hidden", "shared"] = "hidden"
    unit: Literal["", "group", "site", "split", "task"] = ""
    features: str = ""

    def unit_for(self, data: DataSet) -> str:
        """What counts as one: tasks that share classes of images aren't independent, but splits of them are nearly."""
        if self.unit:
            return self.unit
        if data.site_is == "place":
            return "group"
        return "split" if self.repeats > 1 or self.split == ONE_OUT else "task"

    def folds(self, data: DataSet, root: Path, groups: Mapping[str, str], seed: int) -> list[Fold]:
        """Raises SettingsError where the split is unknown or leaves nothing to test on."""
        if self.split == ONE_OUT:
            found = one_out(groups, self.validation, seed)
        elif self.split:
            splits = data.splits(root)
            if self.split not in splits:
                hint = did_you_mean(self.split, [*splits, ONE_OUT])
                raise SettingsError(f"[data] split: '{self.name}' has no split '{self.split}'. {hint}")
            found = official(groups, splits[self.split], self.validation, seed)
        else:
            found = drawn_folds(groups, self.test, self.validation, self.repeats, seed)
        if not all(fold.test for fold in found):
            raise SettingsError("[data] the split leaves no site to test on: hold out more groups.")
        return found


@dataclass(frozen=True)
class Tasks:
    """How the tasks are drawn from the sites of a part.

    shots    labels a class, one task each
    ways     most classes of a task, 0 for all; of a data set whose sites are classes, 0 means 5
    draws    supports drawn a site and number of shots
    queries  most query labels a class, 0 for all; of a data set whose sites are classes, 0 means 15
    spare    labels that a class must have beyond its shots, else it is left out of the task
    guard    pixels around a support pixel that are not asked about
    guard_m  metres around a support example that are not asked about, where places are known
    order    'random', or 'first': the support is the first labels in the data set's order, such as the earliest
    count    most sites, drawn; of a data set whose sites are classes, how many tasks; 0 for all (600)
    seeds    trainings of each learner
    seed     of all that is drawn for the tasks
    """

    shots: tuple[PositiveInt, ...] = (1, 5, 20)
    ways: NonNegativeInt = 0
    draws: PositiveInt = 5
    queries: NonNegativeInt = 0
    spare: PositiveInt = 1
    guard: NonNegativeFloat = 0.0
    guard_m: NonNegativeFloat = 0.0
    order: Literal["random", "first"] = "random"
    count: NonNegativeInt = 0
    seeds: PositiveInt = 1
    seed: NonNegativeInt = 0


@dataclass(frozen=True)
class Tune:
    """How settings are chosen, the same budget for every learner that has a table `tune`.

    trials  combinations tried a learner and split, each on the same validation tasks
    count   most validation sites (or tasks, where sites are classes)
    """

    trials: PositiveInt = 8
    count: PositiveInt = 50


@dataclass(frozen=True)
class Report:
    """What the page puts first.

    score     the score that tables, curves and tests are about; the problem's usual one where empty
    against   label of the learner that others are compared with; the best rival where empty
    examples  tasks shown with their predictions
    """

    score: str = ""
    against: str = ""
    examples: NonNegativeInt = 3


@dataclass(frozen=True)
class Protocol:
    """What `handful bench` does; a file with the tables [data], [tasks], [[learners]], [tune] and [report]."""

    data: Data
    tasks: Tasks = field(default_factory=Tasks)
    learners: tuple[Entry, ...] = ()
    rivals: bool = True
    tune: Tune = field(default_factory=Tune)
    report: Report = field(default_factory=Report)

    def plain(self) -> dict[str, Any]:
        """As the file would say it, every default written out; without what only the page looks at."""
        told = asdict(self)
        files = {entry.start: print_of(path) for entry in self.learners if (path := file_of(entry.start))}
        found = {name: told[name] for name in ("data", "tasks", "learners", "rivals", "tune")}
        return found | ({"files": files} if files else {})

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(self.plain(), sort_keys=True).encode()).hexdigest()


def read_protocol(path: str | Path) -> Protocol:
    """The protocol of a file. Raises SettingsError that names the file and the key that is wrong."""
    tables = read_toml(path, "a protocol, such as benchmarks/bench-forest-damage.toml")
    try:
        return protocol_of(tables)
    except HandfulError as why:
        raise SettingsError(f"{path}: {why}") from why


def protocol_of(tables: Mapping[str, Any]) -> Protocol:
    """A protocol from its tables. Raises SettingsError."""
    check_keys("the protocol", tables, [f.name for f in fields(Protocol)])
    for name in ("data", "tasks", "tune", "report"):
        if not isinstance(tables.get(name, {}), dict):
            raise SettingsError(f"'{name}' must be a table: write [{name}] on a line, then its keys.")
    if not isinstance(tables.get("rivals", True), bool):
        raise SettingsError(f"rivals is {tables['rivals']!r}: write true or false, before the first table.")
    data = checked(Data, "[data]", tables.get("data", {}))
    find_data(data.name)
    Features(data.features)
    found = Protocol(
        data=data,
        tasks=checked(Tasks, "[tasks]", tables.get("tasks", {})),
        learners=entries(tables.get("learners", [])),
        rivals=tables.get("rivals", True),
        tune=checked(Tune, "[tune]", tables.get("tune", {})),
        report=checked(Report, "[report]", tables.get("report", {})),
    )
    check_whole(found)
    return found


def entries(given: Any) -> tuple[Entry, ...]:
    if not isinstance(given, list) or not all(isinstance(table, dict) for table in given):
        raise SettingsError("'learners' must be a list of tables: write [[learners]] on a line, then name = ...")
    parsed = [entry_of(table) for table in given]
    labels = [entry.label for entry in parsed]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise SettingsError(f"two learners are called '{twice[0]}': give each a label of its own.")
    found = resolved(parsed)
    for entry in found:
        check_entry(entry)
    check_learned(found)
    return found


def check_whole(protocol: Protocol) -> None:
    """Raise SettingsError where the tables don't fit each other."""
    if not any(entry.listed for entry in protocol.learners) and not protocol.rivals:
        raise SettingsError("nothing to compare: add [[learners]] with a name, or set rivals = true.")
    for entry in protocol.learners:
        check_sets(entry.label, entry.sets, protocol.data.name)
        if entry.label == protocol.report.against and not entry.listed:
            raise SettingsError(f"[report] against: learner '{entry.label}' isn't listed, so it has no scores.")
        few = entry.combinations() if entry.tune else protocol.tune.trials
        if few < protocol.tune.trials:
            raise SettingsError(
                f"learner '{entry.label}' has {few} combinations to try, but the budget is {protocol.tune.trials} "
                "trials for each: give more values, or fewer [tune] trials."
            )
    score = protocol.report.score
    if score and score not in BETTER:
        raise SettingsError(f"[report] has no score '{score}'. {did_you_mean(score, list(BETTER))}")

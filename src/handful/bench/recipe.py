"""A recipe: which data, which learner, how it is trained. A TOML file, every key of it checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from ..data import find_data
from ..data.sampling import Sampling
from ..errors import HandfulError, SettingsError, did_you_mean
from ..files import read_bounded
from ..learner import Learner
from ..learners import make
from ..meta_train import Training
from ..transfer import FILE, begun_at, check_source, print_of, trained_on
from .folds import drawn_groups

MOST_TOML = 1 << 15  # bytes; a key of so many dots takes a gigabyte


@dataclass(frozen=True)
class Part:
    """Which regions are trained on.

    name        of the data set
    validation  groups that the best weights are chosen on, or a share of the regions, in whole groups
    leave_out   groups that are neither trained nor validated on
    """

    name: str
    validation: tuple[str, ...] | Annotated[float, Field(ge=0, lt=1)] = 0.1
    leave_out: tuple[str, ...] = ()

    def split(self, groups: Mapping[str, str], seed: int) -> tuple[list[str], list[str]]:
        """The names of the regions to train and to validate on, from the group of each region.

        A region without a group is a group of its own. Raises SettingsError where a group is unknown.
        """
        own = {name: group or name for name, group in groups.items()}
        known = sorted(set(own.values()))
        unknown = [g for g in (*self.leave_out, *self.named_validation) if g not in known]
        if unknown:
            raise SettingsError(f"the data have no group '{unknown[0]}'. {did_you_mean(unknown[0], known)}")
        kept = {name: group for name, group in own.items() if group not in self.leave_out}
        held = set(self.named_validation) or drawn_groups(kept, self.share * len(kept), np.random.default_rng(seed))
        return ([n for n, g in kept.items() if g not in held], [n for n, g in kept.items() if g in held])

    @property
    def named_validation(self) -> tuple[str, ...]:
        return self.validation if isinstance(self.validation, tuple) else ()

    @property
    def share(self) -> float:
        return 0.0 if isinstance(self.validation, tuple) else self.validation


@dataclass(frozen=True)
class Recipe:
    """What `handful train` does; a file with the tables [data], [learner] and [train].

    start  a checkpoint's folder, or a file of weights, whose encoder the learner begins with
    """

    data: Part
    learner: str
    settings: dict[str, Any] = field(default_factory=dict)
    training: Training = field(default_factory=Training)
    sampling: Sampling = field(default_factory=Sampling)
    start: str = ""

    def make(self) -> Learner:
        learner = make(self.learner, **{"seed": self.training.seed, **self.settings})
        return begun_at(self.start, learner) if self.start else learner

    def with_seed(self, seed: int) -> Recipe:
        settings = {name: value for name, value in self.settings.items() if name != "seed"}
        return replace(self, settings=settings, training=replace(self.training, seed=seed))

    def leaving_out(self, groups: tuple[str, ...]) -> Recipe:
        return replace(self, data=replace(self.data, leave_out=(*self.data.leave_out, *groups)))

    def plain(self) -> dict[str, Any]:
        """As the file would say it, every default written out."""
        return {
            "data": asdict(self.data),
            "learner": {"name": self.learner, **self.settings, **self.begun()},
            "train": {**asdict(self.training), **asdict(self.sampling)},
        }

    def begun(self) -> dict[str, str]:
        """What the learner begins with, and its checksum."""
        return {"start": self.start, "start_checksum": print_of(Path(self.start))} if self.start else {}

    def seen(self) -> list[str]:
        """The regions that its start has seen."""
        return trained_on(Path(self.start)) if self.start else []


def read_recipe(path: str | Path) -> Recipe:
    """The recipe of a file. Raises SettingsError that names the file and the key that is wrong."""
    tables = read_toml(path, "a recipe, such as benchmarks/forest-damage.toml")
    try:
        return recipe_of(tables)
    except HandfulError as why:
        raise SettingsError(f"{path}: {why}") from why


def read_toml(path: str | Path, what: str) -> dict[str, Any]:
    """The tables of a file. Raises SettingsError that names it, and `what` to give instead where there is none."""
    try:
        return tomllib.loads(read_bounded(Path(path), MOST_TOML).decode())
    except PermissionError:  # the machine's fault, not the file's
        raise
    except FileNotFoundError:
        raise SettingsError(f"{path} doesn't exist: give {what}.") from None
    except (OSError, ValueError, RecursionError) as why:
        raise SettingsError(f"{path} cannot be read as TOML: {why}.") from why


def recipe_of(tables: Mapping[str, Any]) -> Recipe:
    """A recipe from its tables. Raises SettingsError."""
    check_keys("the recipe", tables, ["data", "learner", "train"])
    for name in ("data", "learner", "train"):
        if not isinstance(tables.get(name, {}), dict):
            raise SettingsError(f"'{name}' must be a table: write [{name}] on a line, then its keys.")
    learner, train = dict(tables.get("learner", {})), dict(tables.get("train", {}))
    if "name" not in learner:
        raise SettingsError('[learner] has no name: add one, such as name = "ridge".')
    loops = [f.name for f in fields(Training)]
    check_keys("[train]", train, [*loops, *(f.name for f in fields(Sampling))])
    recipe = Recipe(
        data=checked(Part, "[data]", tables.get("data", {})),
        start=start_of(learner.pop("start", "")),
        learner=str(learner.pop("name")),
        settings=learner,
        training=checked(Training, "[train]", {k: v for k, v in train.items() if k in loops}),
        sampling=checked(Sampling, "[train]", {k: v for k, v in train.items() if k not in loops}),
    )
    find_data(recipe.data.name)
    recipe.make()
    return recipe


def start_of(given: Any) -> str:
    """The path of [learner] start. Raises SettingsError where it isn't written as one, CheckpointError for a pickle."""
    if not isinstance(given, str) or not (given.startswith(FILE) or not given):
        raise SettingsError(f'[learner] start is {given!r}: write start = "{FILE}PATH", a checkpoint or safetensors.')
    path = given.removeprefix(FILE)
    if path:
        check_source(Path(path))
    return path


def check_keys(where: str, table: Mapping[str, Any], known: list[str]) -> None:
    for key in table:
        if key not in known:
            raise SettingsError(f"{where} has no key '{key}'. {did_you_mean(key, known)}")


def checked(kind: Any, where: str, table: Mapping[str, Any]) -> Any:
    """The dataclass of a table, types and ranges checked. Raises SettingsError that names the key."""
    check_keys(where, table, [f.name for f in fields(kind)])
    try:
        return TypeAdapter(kind).validate_python(dict(table))
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else where
        if first["type"] == "missing":
            raise SettingsError(f"{where} has no '{key}': add it.") from None
        raise SettingsError(f"{where} {key} is {table.get(key)!r}: {first['msg'].lower()}.") from None

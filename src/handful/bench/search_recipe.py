"""The recipe of a search for an encoder: a protocol with one learner, and the space that is searched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from ..encoders.blocks import MOST_BLOCKS, OPERATIONS
from ..errors import HandfulError, SettingsError, did_you_mean
from .entries import PROBE, Entry, has
from .growing import Words
from .protocol import Protocol, Tasks, protocol_of
from .recipe import check_keys, checked, read_toml

SEARCHED = ("cell", "width")
UNUSED = ("count", "draws", "seeds")  # keys of [tasks] that say how much is tested: a search tests nothing


@dataclass(frozen=True)
class Space:
    """What is tried.

    trials        cells trained at each level
    levels        the most blocks of a cell
    widths        channels; a cell has the most of them with which the learner keeps to `most_weights`
    most_weights  of the whole net, its head included
    operations    that cells are made of
    count         most validation sites (or tasks, where sites are classes) that a cell is scored on
    score         that is to be high; the problem's usual one where empty
    """

    trials: PositiveInt = 16
    levels: Annotated[int, Field(ge=1, le=MOST_BLOCKS)] = 3
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (64, 48, 32, 24, 16, 8)
    most_weights: PositiveInt = 120_000
    operations: Annotated[tuple[str, ...], Field(min_length=1)] = tuple(OPERATIONS)
    count: PositiveInt = 50
    score: str = ""


@dataclass(frozen=True)
class SearchRecipe:
    """What `handful search` does; a file with the tables [data], [tasks], [search] and one of [[learners]]."""

    protocol: Protocol
    space: Space

    @property
    def entry(self) -> Entry:
        return self.protocol.learners[0]

    def entry_of(self, cell: Words, width: int) -> Entry:
        """The learner on that cell."""
        inner = {**self.entry.settings.get("encoder_settings", {}), "cell": cell, "width": width}
        settings = {**self.entry.settings, "encoder": "cell", "encoder_settings": inner}
        return replace(self.entry, label=f"{'; '.join(cell)}; width {width}", settings=settings)

    def plain(self) -> dict[str, Any]:
        return {**self.protocol.plain(), "search": asdict(self.space)}

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(self.plain(), sort_keys=True).encode()).hexdigest()


def read_search(path: str | Path) -> SearchRecipe:
    """The recipe of a file. Raises SettingsError that names the file and the key that is wrong."""
    tables = read_toml(path, "a recipe of a search, such as benchmarks/search-omniglot.toml")
    try:
        return search_of(tables)
    except HandfulError as why:
        raise SettingsError(f"{path}: {why}") from why


def search_of(tables: Mapping[str, Any]) -> SearchRecipe:
    """A recipe from its tables. Raises SettingsError."""
    check_keys("the recipe of a search", tables, ["data", "tasks", "search", "learners"])
    rest = dict(tables)
    given = rest.pop("search", {})
    if not isinstance(given, dict):
        raise SettingsError("'search' must be a table: write [search] on a line, then its keys.")
    space = checked(Space, "[search]", given)
    check_operations(space)
    if isinstance(rest.get("tasks"), dict):
        known = [field.name for field in fields(Tasks) if field.name not in UNUSED]
        check_keys("[tasks] of a search", rest["tasks"], known)
    more = {"tune": {"count": space.count}, "report": {"score": space.score}}
    found = SearchRecipe(protocol_of({"learners": [], **rest, "rivals": True, **more}), space)
    check_learner(found)
    return replace(found, protocol=replace(found.protocol, rivals=False))


def check_operations(space: Space) -> None:
    for name in space.operations:
        if name not in OPERATIONS:
            raise SettingsError(
                f"[search] operations: no operation is called '{name}'. {did_you_mean(name, list(OPERATIONS))}"
            )


def check_learner(recipe: SearchRecipe) -> None:
    """Raise SettingsError where there isn't one learner, meta-trained, whose encoder is left to the search."""
    several = recipe.protocol.learners
    if len(several) != 1:
        raise SettingsError(f"a search is for one learner, but there are {len(several)} [[learners]]: keep one.")
    entry, inner = recipe.entry, recipe.entry.settings.get("encoder_settings", {})
    if entry.settings.get("encoder", "cell") != "cell":
        raise SettingsError(
            f"learner '{entry.label}' has the encoder '{entry.settings['encoder']}', but a search finds one of cells: "
            'write encoder = "cell", or leave it out.'
        )
    set_already = [key for key in SEARCHED if key in inner]
    if set_already:
        raise SettingsError(
            f"learner '{entry.label}' sets encoder_settings.{set_already[0]}, which the search is to find: leave it "
            "out."
        )
    if entry.train is None or not has(entry.name, "meta_learned"):
        raise SettingsError(
            f"learner '{entry.label}' isn't meta-trained, so that every cell would score as it was drawn: take one "
            "that is, such as first_order_maml, and add train = { steps = 200 }."
        )
    if entry.tune:
        raise SettingsError(f"learner '{entry.label}' has a table tune: leave it out, a search tries cells alone.")
    recipe.entry_of((f"{recipe.space.operations[0]} 0",), recipe.space.widths[0]).make(PROBE)

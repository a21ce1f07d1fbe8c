"""Small made-up data sets for the bench: registered by a test, read by this process only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from handful.data import DATASETS, DataSet
from handful.errors import DataError
from handful.problem import Classes, Problem, Quantity
from handful.region import Region
from handful.task import Examples, Inputs

LAND = Classes(("water", "forest", "town"))
MOISTURE = Quantity("moisture", "%")


def table_site(name: str, problem: Problem = LAND, rows: int = 40) -> Region:
    """A site of a table: classes are apart in the first feature; a quantity follows the second."""
    rng = np.random.default_rng(sum(map(ord, name)))
    targets = np.arange(rows) % 3
    table = rng.normal(size=(rows, 4))
    table[:, 0] += 3 * targets
    if isinstance(problem, Quantity):
        answers = torch.from_numpy((20 + 5 * table[:, 1] + rng.normal(0, 0.5, rows)).astype(np.float32))
    else:
        answers = torch.from_numpy(targets)
    metres = rng.uniform(0, 1000, (rows, 2))
    return Region(name, Examples(torch.from_numpy(table.astype(np.float32)), answers, problem), name[0], metres=metres)


def image_class(name: str, count: int = 12) -> Region:
    """A class of images of its own colour."""
    rng = np.random.default_rng(sum(map(ord, name)))
    colour = rng.uniform(0, 1, (1, 3, 1, 1))
    images = np.clip(colour + rng.normal(0, 0.1, (count, 3, 8, 8)), 0, 1).astype(np.float32)
    return Region(name, Examples(torch.from_numpy(images), torch.zeros(count, dtype=torch.long), Classes((name,))))


@contextmanager
def registered(kind: str, sites: int = 12, broken: str = "", splits: dict | None = None) -> Iterator[str]:
    """A data set of `sites` sites, in groups of two by their first letter, under the name `made-up`."""
    names = [f"{'abcdefghijklmnop'[k // 2]}{k}" for k in range(sites)]

    def read(root: Path, site: str, group: str) -> Region:
        if site == broken:
            raise DataError(f"{root / site} cannot be read.")
        if kind == "images":
            return image_class(site)
        return table_site(site, MOISTURE if kind == "quantity" else LAND)

    DATASETS["made-up"] = DataSet(
        name="made-up",
        problem={"images": None, "quantity": MOISTURE}.get(kind, LAND),
        bands=("red", "green", "blue") if kind == "images" else tuple("wxyz"),
        sites=lambda root: {name: "" if kind == "images" else name[0] for name in names},
        read=read,
        source="made up",
        layout="nothing",
        site_is="class" if kind == "images" else "place",
        splits=lambda root: splits or {},
    )
    try:
        yield "made-up"
    finally:
        del DATASETS["made-up"]


def tables(**changes: object) -> dict:
    """A protocol's tables: quick."""
    found: dict = {
        "data": {"name": "made-up", "test": 0.7, "validation": 0.3},
        "tasks": {"shots": [1, 3], "draws": 2, "seeds": 1},
        "learners": [{"name": "nearest_mean", "label": "means", "encoder": "plain"}],
        "rivals": False,
    }
    return found | changes


FORMS = {  # of the data sets that benchmarks/ has a protocol for
    "forest-damage": ("pixels", 24),
    "amazon-forest": ("pixels", 3),
    "sen12ms-rgb": ("tasks", 3),
    "ucmerced": ("classes", 3),
    "omniglot": ("classes", 1),
    "crop-mask-africa": ("rows", 33),
    "fuel-moisture": ("quantity", 52),
}


FURTHER = {  # targets that some of them have
    "forest-damage": ("forest kind", "burn ratio"),
    "fuel-moisture": ("land cover", "temperature", "rain"),
}


def made_up_region(form: str, bands: int, problem: Problem | None, site: str, further: tuple[str, ...] = ()) -> Region:
    """A site of the form of a real data set: sizes are tiny, what is in it is noise around its class."""
    rng = np.random.default_rng(sum(map(ord, site)))
    several = problem if isinstance(problem, Classes) else Classes((site,) if form == "classes" else tuple("abcd"))
    counts = {"pixels": 400, "tasks": 16, "classes": 20, "rows": 300, "quantity": 12}
    targets = np.arange(counts[form]) % several.outputs
    support = torch.from_numpy(np.arange(16) < 8) if form == "tasks" else None
    if form == "pixels":
        targets, maps = targets.reshape(1, 20, 20), rng.normal(size=(1, bands, 20, 20))
        inputs = maps + targets[:, None]
    elif form in ("tasks", "classes"):
        inputs = rng.uniform(size=(len(targets), bands, 16, 16)) * 0.5 + targets[:, None, None, None] / 8
    else:
        inputs = rng.normal(size=(len(targets), bands)) + targets[:, None]
    answers = torch.from_numpy(targets)
    if isinstance(problem, Quantity):
        several, answers = problem, torch.from_numpy(inputs[:, 0].astype(np.float32))  # type: ignore[assignment]
    told: Inputs = torch.from_numpy(inputs.astype(np.float32))
    if further:
        also = {f"also.{name}": torch.from_numpy(rng.integers(0, 3, targets.shape)).float() for name in further}
        told = {"bands": told, **also}
    examples = Examples(told, answers, several)
    return Region(site, examples, bands=tuple(f"band {b}" for b in range(bands)), support=support)


def stand_in(data: DataSet, sites: int) -> DataSet:
    """The data set with made-up sites: its own problem, and the split that a protocol asks for by name."""
    form, bands = FORMS[data.name]
    names = [f"s{k}" for k in range(sites)]
    parts = {name: ("train", "train", "validation", "test")[k % 4] for k, name in enumerate(names)}
    return replace(
        data,
        sites=lambda root: dict.fromkeys(names, ""),
        read=lambda root, site, group: made_up_region(form, bands, data.problem, site, FURTHER.get(data.name, ())),
        splits=lambda root: {"official": parts, "1100-100-423": parts},
    )

"""sen12ms-rgb: 795 four-way tasks of land cover, true-colour Sentinel-2, the tasks that people were asked too.

From "Beat the MAML" (github.com/MarcCoru/beat-the-maml), patches of SEN12MS (Schmitt et al. 2019). Every task has two
support and two query patches a class, from one region and season; its land covers recur in other regions.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..errors import DataError
from ..problem import Classes
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .folders import csv_columns, once, present
from .zips import colours

FILES = ("tasks.csv", "images.zip")
COLUMNS = ("task", "split", "role", "class_index", "season", "region", "label", "patch", "image", "turn")
PARTS = {"train": "train", "val": "validation", "test": "test"}
ROLES = ("support", "query")
TURNS = 8
QUARTERS = ("tl", "tr", "bl", "br")  # of a parent patch of 256 pixels, at the end of a patch's name
SOURCE = "Get it from github.com/MarcCoru/beat-the-maml (CC BY-NC-SA 4.0: for measuring, not for shipped weights)."
Row = dict[str, str]


@once
def tasks(path: Path) -> dict[str, tuple[Row, ...]]:
    """The rows of each task. Raises DataError where a row says what no task has."""
    found: dict[str, list[Row]] = {}
    for number, row in enumerate(csv_columns(path, COLUMNS), 2):
        fits = row["split"] in PARTS and row["role"] in ROLES and row["class_index"].isdecimal()
        if not (fits and row["turn"] in map(str, range(TURNS))):
            raise DataError(f"{path}, row {number}: split, role, class_index or turn is none that is known: {row}.")
        found.setdefault(row["task"], []).append(row)
    return {task: tuple(rows) for task, rows in found.items()}


def sites(root: Path) -> dict[str, str]:
    """The region of each task."""
    if not present(root, FILES, SOURCE):
        return {}
    return {task: rows[0]["region"] for task, rows in tasks(root / FILES[0]).items()}


def read(root: Path, name: str, group: str = "") -> Region:
    """One task: patches (16, 3, 128, 128), the four classes in the order of its file, the support marked.

    An origin is the parent patch (season/region/p510) that the patch is a quarter of.
    """
    path = root / FILES[0]
    if name not in tasks(path):
        raise DataError(f"{path} has no task '{name}'.")
    rows = tasks(path)[name]
    labels = {int(row["class_index"]): row["label"] for row in rows}
    if sorted(labels) != list(range(len(labels))):
        raise DataError(f"{path}: task '{name}' has the class indices {sorted(labels)}, expected 0, 1, 2, 3.")
    images = colours(root / FILES[1], [row["image"] for row in rows])
    inputs = torch.stack([turned(image, int(row["turn"])) for image, row in zip(images, rows, strict=True)])
    targets = torch.tensor([int(row["class_index"]) for row in rows])
    examples = Examples(inputs, targets, Classes(tuple(labels[index] for index in range(len(labels)))))
    support = torch.tensor([row["role"] == "support" for row in rows])
    return Region(name, examples, group, DATA.bands, tuple(map(parent, rows)), support=support)


def turned(image: Tensor, turn: int) -> Tensor:
    """Below 4: turned by so many quarters, counterclockwise; from 4 on: mirrored left-right first, then by turn - 4."""
    return torch.rot90(image.flip(-1) if turn >= 4 else image, turn % 4, (-2, -1))


def parent(row: Row) -> str:
    patch = row["patch"]
    return f"{row['season']}/{row['region']}/{patch[:-2] if patch.endswith(QUARTERS) else patch}"


def splits(root: Path) -> dict[str, dict[str, str]]:
    """official: by regions."""
    return {"official": {task: PARTS[rows[0]["split"]] for task, rows in tasks(root / FILES[0]).items()}}


DATA = DataSet(
    name="sen12ms-rgb",
    problem=None,
    bands=("red", "green", "blue"),
    sites=sites,
    read=read,
    source=SOURCE,
    layout=(
        "tasks.csv (columns task, split, role, class_index, shot, season, region, label, patch, image, turn) and "
        "images.zip with the images that it names (JPEG, 128 x 128)"
    ),
    radiometry="RGB from 0 to 1, histogram-equalised",
    splits=splits,
)

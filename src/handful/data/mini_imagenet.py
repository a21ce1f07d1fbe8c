"""miniImageNet: 100 classes of ImageNet, 600 pictures each (Vinyals et al. 2016, arXiv:1606.04080).

A site is a class; the split is that of Ravi and Larochelle 2017: 64 / 16 / 20 classes.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ..errors import DataError
from ..problem import Classes
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .folders import csv_columns, present
from .pictures import pictures

LISTS = {"train": "train.csv", "validation": "val.csv", "test": "test.csv"}
SIZE = (84, 84)  # pixels, as in the paper


def listed(root: Path, part: str) -> dict[str, list[str]]:
    """The files of each class in one list. Raises DataError where it is missing or has other columns."""
    path = root / LISTS[part]
    found: dict[str, list[str]] = {}
    for row in csv_columns(path, ("filename", "label")):
        name, label = row["filename"], row["label"]
        if not label or not name or Path(name).name != name or Path(label).name != label:
            raise DataError(f"{path} lists '{name}' of the class '{label}': expected the name of a file and a class.")
        found.setdefault(label, []).append(name)
    return found


def sites(root: Path) -> dict[str, str]:
    """Every class that a list has. Raises DataError where a list is missing, unless all are."""
    there = present(root, list(LISTS.values()), DATA.remedy)
    return {label: "" for part in LISTS for label in listed(root, part)} if there else {}


def read(root: Path, name: str, group: str = "") -> Region:
    """One class: its pictures (n, 3, 84, 84) from 0 to 1. Raises DataError that names a missing or broken file."""
    names = [file for part in LISTS for file in listed(root, part).get(name, [])]
    if not names:
        raise DataError(f"no list under {root} has the class {name}.")
    nested = (root / "images" / name).is_dir()
    paths = [root / "images" / name / file if nested else root / "images" / file for file in names]
    examples = Examples(
        pictures(paths, DATA.remedy, size=SIZE), torch.zeros(len(paths), dtype=torch.long), Classes((name,))
    )
    return Region(name, examples, group, DATA.bands, origins=tuple(names))


def splits(root: Path) -> dict[str, dict[str, str]]:
    return {"ravi": {label: part for part in LISTS for label in listed(root, part)}}


DATA = DataSet(
    name="mini-imagenet",
    problem=None,
    bands=("red", "green", "blue"),
    sites=sites,
    read=read,
    splits=splits,
    source=(
        "Get the lists from github.com/twitter-research/meta-learning-lstm (data/miniImagenet) and the pictures from "
        "image-net.org (research only, no commercial use)."
    ),
    layout=(
        "train.csv, val.csv, test.csv (columns filename, label) and images/n0153282900000005.jpg, "
        "or images/n01532829/n0153282900000005.jpg"
    ),
    radiometry="RGB from 0 to 1",
    site_is="class",
    shared=False,
    turns=False,
)

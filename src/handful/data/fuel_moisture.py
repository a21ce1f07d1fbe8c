"""Live fuel moisture of 150 sites in the western United States, in per cent (Rao et al. 2020; Tseng et al. 2023)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..problem import Quantity
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .monthly import LAYOUT, features, in_season, names, parts, samples
from .tables import Table, as_inputs, numbers, rows_of, texts

FILE = "samples.npz"
MONTHS = 3
PROBLEM = Quantity("fuel moisture", "%")
SOURCE = "Get it from github.com/nasaharvest/presto (MIT; the labels have terms of their own)."


def table(root: Path) -> tuple[Table, np.ndarray]:
    """The samples, and the site of each."""
    found = samples(root / FILE, MONTHS)
    return found, texts(found, "site", root / FILE)


def sites(root: Path) -> dict[str, str]:
    return dict.fromkeys(sorted(set(table(root)[1])), "") if (root / FILE).exists() else {}


def read(root: Path, name: str, group: str = "") -> Region:
    """One site: its samples (n, features) in the order of the season they begin in, and the moisture of each in %.

    The file doesn't tell the year: the first rows are the earliest in the season (from March on), of any year.
    """
    found, keys = table(root)
    rows = in_season(found, rows_of(keys, name, root / FILE))
    targets = as_inputs(numbers(found, ["target"], root / FILE, rows, gaps=True)[:, 0])
    return Region(name, Examples(features(found, rows), targets, PROBLEM), group, DATA.bands)


def splits(root: Path) -> dict[str, dict[str, str]]:
    """official: whole sites to test on."""
    return {"official": parts(*table(root), root / FILE)}


DATA = DataSet(
    name="fuel-moisture",
    problem=PROBLEM,
    bands=names(MONTHS),
    sites=sites,
    read=read,
    source=SOURCE,
    layout=f"{LAYOUT}, site (n,))",
    radiometry="as in the file",
    splits=splits,
)

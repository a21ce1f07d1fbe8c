"""Severity of algal blooms, 1 to 5, in lakes of the central United States (Tick Tick Bloom; Tseng et al. 2023)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..problem import Quantity
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .monthly import LAYOUT, features, in_season, names, parts, samples
from .places import metres
from .tables import Table, as_inputs, numbers, rows_of

FILE = "samples.npz"
MONTHS = 12
PROBLEM = Quantity("severity of algal bloom")
SOURCE = "Get it from github.com/nasaharvest/presto (MIT; the labels have terms of their own)."


def table(root: Path) -> tuple[Table, np.ndarray]:
    """The samples, and the cell of each: one degree, named by its south-west corner, such as 38N100W."""
    found = samples(root / FILE, MONTHS)
    corners = np.floor(found["latlon"]).astype(int).tolist()
    named = [f"{abs(y)}{'N' if y >= 0 else 'S'}{abs(x)}{'E' if x >= 0 else 'W'}" for y, x in corners]
    return found, np.array(named, dtype=object)


def sites(root: Path) -> dict[str, str]:
    return dict.fromkeys(sorted(set(table(root)[1])), "") if (root / FILE).exists() else {}


def read(root: Path, name: str, group: str = "") -> Region:
    """One cell: its samples (n, features) in the order of the season they begin in, and the severity of each.

    Samples of one place (latitude, longitude) share their origin. The file doesn't tell the year.
    """
    found, keys = table(root)
    rows = in_season(found, rows_of(keys, name, root / FILE))
    targets = as_inputs(numbers(found, ["target"], root / FILE, rows, gaps=True)[:, 0])
    latitude, longitude = found["latlon"][rows].T
    origins = tuple(f"{y:.5f} {x:.5f}" for y, x in zip(latitude, longitude, strict=True))
    examples = Examples(features(found, rows), targets, PROBLEM)
    return Region(name, examples, group, DATA.bands, origins, metres(longitude, latitude))


def splits(root: Path) -> dict[str, dict[str, str]]:
    """official: whole cells to test on."""
    return {"official": parts(*table(root), root / FILE)}


DATA = DataSet(
    name="algae-blooms",
    problem=PROBLEM,
    bands=names(MONTHS),
    sites=sites,
    read=read,
    source=SOURCE,
    layout=f"{LAYOUT})",
    radiometry="as in the file",
    splits=splits,
)

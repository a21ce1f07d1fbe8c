"""Live fuel moisture of 150 sites in the western United States, in per cent (Rao et al. 2020; Tseng et al. 2023)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor

from ..problem import Quantity
from ..region import Region
from ..task import ALSO, Examples
from .dataset import DataSet
from .monthly import BANDS, LAYOUT, SERIES, features, in_season, names, parts, samples
from .tables import Table, as_inputs, column, numbers, rows_of, texts

FILE = "samples.npz"
MONTHS = 3
COVER = "dynamic_world"  # column of the file
COVERS = 9  # of Dynamic World, from 0 on: water, trees, grass, flooded vegetation, crops, shrub, built, bare, snow
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
    Further targets, NaN where they aren't known: see `further`.
    """
    found, keys = table(root)
    rows = in_season(found, rows_of(keys, name, root / FILE))
    targets = as_inputs(numbers(found, ["target"], root / FILE, rows, gaps=True)[:, 0])
    inputs = {"bands": features(found, rows), **further(found, rows, root / FILE)}
    return Region(name, Examples(inputs, targets, PROBLEM), group, DATA.bands)


def further(found: Table, rows: np.ndarray, path: Path) -> dict[str, Tensor]:
    """Further targets (n,): `land cover` of the last month, `temperature` and `rain`.

    Land cover is one of nine and no feature. Temperature is the mean of the months in kelvin, rain their sum in metres;
    features tell both, so they are for an encoder that isn't given the weather, such as `early` of `bands[:39]`.
    """
    cover = column(found, COVER, path, (MONTHS,))[rows, -1].astype(np.float64)
    warm, wet = (found[SERIES][rows, :, BANDS.index(band)] for band in ("temperature_2m", "total_precipitation"))
    told = {"land cover": np.where(cover < COVERS, cover, np.nan), "temperature": warm.mean(1), "rain": wet.sum(1)}
    return {ALSO + name: as_inputs(values) for name, values in told.items()}


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
    layout=f"{LAYOUT}, {COVER} (n, months), site (n,))",
    radiometry="as in the file",
    splits=splits,
)

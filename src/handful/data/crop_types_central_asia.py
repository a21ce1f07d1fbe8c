"""Crops of 8,435 fields in Uzbekistan and Tajikistan with their NDVI, 2008 to 2018 (Remelgado et al. 2020, CAWa)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .places import metres
from .tables import Table, as_classes, as_inputs, numbers, parquet, rows_of, texts

FILE = "samples.parquet"
# Days of the year. Outside of them whole regions lack dates, and which ones are lacking gives the region away.
DAYS = tuple(range(161, 274, 16))
COLUMNS = tuple(f"ndvi_doy{day:03d}" for day in DAYS)
SOURCE = "Get it from github.com/nasaharvest/cropharvest (the CAWa data set, CC BY-SA 4.0)."


def table(root: Path) -> tuple[Table, dict[str, str], np.ndarray]:
    """The samples, the group of each site, and the site of each sample: a region in a year, such as Fergana 2016.

    Years of one region are one group: some fields are in several.
    """
    path = root / FILE
    found = parquet(path)
    regions = texts(found, "region", path)
    keys = regions + " " + texts(found, "year", path)
    return found, dict(zip(keys, regions, strict=True)), keys


def sites(root: Path) -> dict[str, str]:
    return table(root)[1] if (root / FILE).exists() else {}


def read(root: Path, name: str, group: str = "") -> Region:
    """One region in a year: NDVI on 8 dates (n, 8), and the crops that occur. Fields of one place share their origin.

    A missing date is filled by the line between its neighbours in time; a field without any date is left out.
    """
    path = root / FILE
    found, _, keys = table(root)
    rows = rows_of(keys, name, path)
    series = numbers(found, COLUMNS, path, rows, gaps=True)
    seen = np.isfinite(series).any(1)
    rows, series = rows[seen], series[seen]
    targets, problem = as_classes(texts(found, "label_1", path)[rows])
    places = numbers(found, ["lon", "lat"], path, rows, gaps=True)
    examples = Examples(as_inputs(np.stack([filled(row) for row in series])), targets, problem)
    origins = tuple(f"{y:.6f} {x:.6f}" for x, y in places)
    return Region(name, examples, group, DATA.bands, origins, metres(*places.T))


def filled(series: np.ndarray) -> np.ndarray:
    known = np.isfinite(series)
    return np.interp(DAYS, np.array(DAYS)[known], series[known])


DATA = DataSet(
    name="crop-types-central-asia",
    problem=None,
    bands=tuple(f"NDVI day {day}" for day in DAYS),
    sites=sites,
    read=read,
    source=SOURCE,
    layout=f"samples.parquet (columns region, year, label_1, lon, lat, {COLUMNS[0]} to {COLUMNS[-1]} every 16 days)",
    radiometry="NDVI",
)

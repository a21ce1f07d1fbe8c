"""Crop or not at 30,065 points in 8 agro-ecological regions of Africa, from half-years of Sentinel-2 (DE Africa)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..errors import DataError
from ..problem import Classes
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .places import metres
from .tables import as_inputs, numbers, parquet, rows_of, texts

FILE = "samples.parquet"
PROBLEM = Classes(("not crop", "crop"))
OF_HALF = (
    "blue", "green", "red", "nir", "swir_1", "swir_2", "red_edge_1", "red_edge_2", "red_edge_3", "bcdev", "edev",
    "sdev", "NDVI", "LAI", "MNDWI", "rain",
)  # fmt: skip
HALVES = ("S1", "S2")  # the two halves of the year, not sensors
BANDS = (*(f"{band}_{half}" for half in HALVES for band in OF_HALF), "slope")
SOURCE = "Get it from github.com/digitalearthafrica/crop-mask (CC BY 4.0)."


def sites(root: Path) -> dict[str, str]:
    path = root / FILE
    return dict.fromkeys(sorted(set(texts(parquet(path), "region", path))), "") if path.exists() else {}


def read(root: Path, name: str, group: str = "") -> Region:
    """One region: 33 features a point (n, 33), not crop 0 and crop 1. A point of unknown place has NaN metres."""
    path = root / FILE
    table = parquet(path)
    rows = rows_of(texts(table, "region", path), name, path)
    targets = numbers(table, ["Class"], path, rows)[:, 0]
    if not np.isin(targets, (0, 1)).all():
        raise DataError(f"{path}: 'Class' of '{name}' is from {targets.min():g} to {targets.max():g}, expected 0 or 1.")
    inputs = as_inputs(numbers(table, BANDS, path, rows))
    places = numbers(table, ["lon", "lat"], path, rows, gaps=True)
    examples = Examples(inputs, torch.from_numpy(targets.astype(np.int64)), PROBLEM)
    return Region(name, examples, group, BANDS, metres=metres(*places.T))


DATA = DataSet(
    name="crop-mask-africa",
    problem=PROBLEM,
    bands=BANDS,
    sites=sites,
    read=read,
    source=SOURCE,
    layout="samples.parquet (columns region, Class, 33 features such as NDVI_S1, lon, lat)",
    radiometry="as in the file",
)

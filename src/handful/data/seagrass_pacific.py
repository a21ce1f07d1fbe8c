"""Seagrass and what grows or lies beside it: 6,381 pixels of Sentinel-2 at 15 sites of the Pacific (DE Pacific)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .places import metres
from .tables import as_classes, as_inputs, numbers, parquet, rows_of, texts

FILE = "samples.parquet"
BANDS = (
    "nir", "red", "blue", "green", "emad", "smad", "bcmad", "nir08", "nir09", "swir16", "swir22", "coastal", "rededge1",
    "rededge2", "rededge3", "mndwi", "ndti", "cai", "ndvi", "evi", "savi", "ndwi", "b_g", "b_r", "mci", "ndci", "ln_bg",
    "contrast", "homogeneity", "energy", "ASM", "correlation", "mean", "entropy",
)  # fmt: skip
SOURCE = "Get it from github.com/digitalearthpacific/dep-seagrass (MIT)."


def site_names(root: Path) -> np.ndarray:
    path = root / FILE
    return texts(parquet(path), "site", path)


def sites(root: Path) -> dict[str, str]:
    """The group of each site: its name without the number at its end, since Ba1 to Ba10 are strips of one coast."""
    if not (root / FILE).exists():
        return {}
    return {name: name.rstrip("0123456789") or name for name in sorted(set(site_names(root)))}


def read(root: Path, name: str, group: str = "") -> Region:
    """One site: 34 features a pixel (n, 34), and the classes that occur. Pixels side by side are alike."""
    path = root / FILE
    table = parquet(path)
    rows = rows_of(site_names(root), name, path)
    targets, problem = as_classes(texts(table, "class", path)[rows])
    examples = Examples(as_inputs(numbers(table, BANDS, path, rows)), targets, problem)
    return Region(name, examples, group, BANDS, metres=metres(*numbers(table, ["lon", "lat"], path, rows).T))


DATA = DataSet(
    name="seagrass-pacific",
    problem=None,
    bands=BANDS,
    sites=sites,
    read=read,
    source=SOURCE,
    layout="samples.parquet (columns site, class, 34 features, lon, lat)",
    radiometry="reflectance, and features of it",
)

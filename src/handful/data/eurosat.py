"""EuroSAT: Sentinel-2 patches of 64 x 64 pixels in ten classes (Helber et al. 2019, arXiv:1709.00029).

A site is a class. Two data sets: the pictures in colour, and all 13 bands.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch

from ..errors import DataError
from ..problem import Classes
from ..region import Region
from ..task import Examples, Inputs
from .dataset import DataSet
from .pictures import pictures
from .rasters import raster
from .sentinel import SCALE, SENTINEL2, seen_once

NAMES = (
    "AnnualCrop", "Forest", "HerbaceousVegetation", "Highway", "Industrial",
    "Pasture", "PermanentCrop", "Residential", "River", "SeaLake",
)  # fmt: skip
# As the files have them: B8A stands last (github.com/phelber/EuroSAT/issues/7).
BANDS = (*(band for band in SENTINEL2 if band != "B8A"), "B8A")
# Where the two zips, old and new, keep the folders of the classes.
HOMES = {
    ".jpg": ("", "EuroSAT_RGB", "2750"),
    ".tif": ("", "EuroSAT_MS", "EuroSATallBands", "ds/images/remote_sensing/otherDatasets/sentinel_2/tif"),
}


def sites(root: Path, kind: str) -> dict[str, str]:
    """The classes that have files of this kind."""
    return {name: "" for name in NAMES if files(root, name, kind)}


def files(root: Path, name: str, kind: str) -> list[Path]:
    """The patches of a class, in the order of their numbers."""
    found = [path for home in HOMES[kind] for path in (root / home / name).glob(f"{name}_*{kind}")]
    return sorted(found, key=lambda path: (len(path.name), path.name))


def read(root: Path, name: str, group: str, kind: str) -> Region:
    """One class: its patches (n, 3 or 13, 64, 64). Raises DataError that names a missing, broken or odd file."""
    paths = files(root, name, kind)
    if not paths:
        raise DataError(f"{root} has no {kind} of the class {name}. {BY_KIND[kind].remedy}")
    inputs = pictures(paths, RGB.remedy) if kind == ".jpg" else all_bands(paths)
    examples = Examples(inputs, torch.zeros(len(paths), dtype=torch.long), Classes((name,)))
    return Region(name, examples, group, BY_KIND[kind].bands, origins=tuple(path.stem for path in paths))


def all_bands(paths: list[Path]) -> Inputs:
    """Reflectance (n, 13, 64, 64)."""
    images = [raster(path, len(BANDS), ALL_BANDS.remedy) for path in paths]
    odd = [path for path, image in zip(paths, images, strict=True) if image.shape != images[0].shape]
    if odd:
        raise DataError(f"{odd[0]} is not of the size of {paths[0]}: fetch it again.")
    return seen_once(np.stack(images).astype(np.float32) / np.float32(SCALE), BANDS)


def data(name: str, kind: str, bands: tuple[str, ...], radiometry: str, layout: str) -> DataSet:
    return DataSet(
        name=name,
        problem=None,
        bands=bands,
        sites=partial(sites, kind=kind),
        read=partial(read, kind=kind),
        source="Get it from zenodo.org/records/7711810 (MIT).",
        layout=layout,
        radiometry=radiometry,
        site_is="class",
        shared=False,
        family="eurosat",
    )


RGB = data(
    *("eurosat-rgb", ".jpg", ("red", "green", "blue"), "RGB from 0 to 1"),
    layout="EuroSAT_RGB/AnnualCrop/AnnualCrop_1.jpg, ... (10 classes)",
)
ALL_BANDS = data(
    *("eurosat", ".tif", BANDS, "reflectance"),
    layout="EuroSAT_MS/AnnualCrop/AnnualCrop_1.tif, ... (10 classes; 13 bands, uint16, reflectance x 10,000, B8A last)",
)
BY_KIND = {".jpg": RGB, ".tif": ALL_BANDS}

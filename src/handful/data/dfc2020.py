"""DFC2020: the data fusion contest's Sentinel-1 and Sentinel-2 patches of seven places, with land cover at 10 m.

Yokoya et al. 2020, Schmitt et al. 2020 (arXiv:2002.08254). The contest mixed the places: its validation and its
test are one site each. A later release has a folder a place, which is then a site.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import DataError
from ..problem import UNLABELLED
from ..region import Region
from .dataset import DataSet
from .patches import drawn, of_present_classes
from .rasters import raster
from .sen12ms import NAMES
from .sentinel import SCALE, SENTINEL2, seen_once

BANDS = (*SENTINEL2, "VV", "VH")
MOST = 50  # patches a site: the contest's test has 5,128, of 4 MB each


def sites(root: Path) -> dict[str, str]:
    """A site each folder of labels, as "ROIs0000_test-0"; its group is the place, where the folder says which."""
    folders = sorted(path for path in root.glob("*/dfc_*") if any(path.glob("*.tif")))
    places = [(path.parent.name, path.name.removeprefix("dfc_")) for path in folders]
    mixed = ("0", "validation", "test")
    return {f"{folder}-{place}": "" if place in mixed else place for folder, place in places}


def read(root: Path, name: str, group: str = "") -> Region:
    """One site: 50 of its patches, (n, 15, 256, 256) reflectance of 13 bands and dB of 2, a class each pixel.

    Pixels without a class, and without data, are unlabelled. Raises DataError that names a missing or broken file.
    """
    folder, _, place = name.rpartition("-")
    files = drawn(sorted((root / folder / f"dfc_{place}").glob("*.tif")), MOST, name)
    images = [image(file) for file in files]
    codes = [labels(file) for file in files]
    shapes = {values.shape[1:] for values in images} | {values.shape for values in codes}
    if len(shapes) != 1:
        raise DataError(f"the rasters of site {name} under {root} differ in size: {sorted(shapes)}.")
    values, targets = np.stack(images), np.stack(codes)
    targets[~np.isfinite(values).all(1)] = UNLABELLED
    examples = of_present_classes(seen_once(np.nan_to_num(values), BANDS), targets, NAMES)
    return Region(name, examples, group, BANDS, origins=tuple(file.stem for file in files))


def image(file: Path) -> np.ndarray:
    """(15, height, width) of the patch that a file of labels belongs to."""
    optical, radar = beside(file, "s2"), beside(file, "s1")
    values = [raster(optical, len(SENTINEL2), DATA.remedy).astype(np.float32) / SCALE, raster(radar, 2, DATA.remedy)]
    if values[0].shape[1:] != values[1].shape[1:]:
        raise DataError(f"{optical} and {radar} differ in size: fetch them again.")
    return np.concatenate(values, dtype=np.float32)


def beside(file: Path, kind: str) -> Path:
    """The file of another kind: dfc_0/ROIs0000_test_dfc_0_p1.tif -> s2_0/ROIs0000_test_s2_0_p1.tif."""
    return file.parent.parent / file.parent.name.replace("dfc_", f"{kind}_") / file.name.replace("_dfc_", f"_{kind}_")


def labels(file: Path) -> np.ndarray:
    """(height, width) indices into the simplified classes, which the files count from 1."""
    codes = raster(file, 1, DATA.remedy)[0].astype(np.int64)
    return np.where((codes >= 1) & (codes <= len(NAMES)), codes - 1, UNLABELLED)


def splits(root: Path) -> dict[str, dict[str, str]]:
    """ "contest": its validation and its test, where they are there."""
    kinds = {name: name.partition("-")[0].rpartition("_")[2] for name in sites(root)}
    return {"contest": {name: kind for name, kind in kinds.items() if kind in ("validation", "test")}}


DATA = DataSet(
    name="dfc2020",
    problem=None,
    bands=BANDS,
    sites=sites,
    read=read,
    splits=splits,
    source="Get it from ieee-dataport.org/competitions/2020-ieee-grss-data-fusion-contest (CC BY).",
    layout=(
        "ROIs0000_validation and ROIs0000_test, in each s2_0/ROIs0000_test_s2_0_p1.tif (13 bands, uint16, reflectance "
        "x 10,000), s1_0/ROIs0000_test_s1_0_p1.tif (VV and VH in dB) and dfc_0/ROIs0000_test_dfc_0_p1.tif (classes 1 "
        "to 10); or folders as ROIs0000_winter/dfc_MexicoCity. lc_0 is not read"
    ),
)

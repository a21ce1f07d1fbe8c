"""Forest damage: Czech sites seen by Sentinel-2 in two Septembers, with the pixels where bark beetles killed trees."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from ..errors import DataError
from ..files import read_bounded
from ..problem import UNLABELLED, Classes
from ..region import Region
from ..task import ALSO, Examples
from .dataset import DataSet
from .rasters import raster

YEARS = (2019, 2020)
FOLDERS = tuple(f"s2_{year}" for year in YEARS) + ("damage", "forest2022")
# Sentinel-2's bands as in the files, and their central wavelengths in nm.
BANDS = {
    "B01": 443, "B02": 492, "B03": 560, "B04": 665, "B05": 704, "B06": 740,
    "B07": 783, "B08": 833, "B8A": 865, "B09": 945, "B11": 1614, "B12": 2202,
}  # fmt: skip
SCALE = 10_000  # of reflectance
KINDS = 3  # of forest, as forest2022 numbers them from 1
GROUP = "region12"  # column of sites.csv
MOST_TABLE = 64 << 20  # bytes of sites.csv
PROBLEM = Classes(("healthy", "damaged"))


def sites(root: Path) -> dict[str, str]:
    """The group of each site: every name under which any of the four folders holds a raster."""
    names = {path.stem for folder in FOLDERS for path in (root / folder).glob("*.tif")}
    groups = listed_groups(root / "sites.csv")
    return {name: groups.get(name, "") for name in sorted(names)}


def listed_groups(path: Path) -> dict[str, str]:
    """The group of each site that sites.csv lists, as far as it says so."""
    if not path.exists():
        return {}
    try:
        text = read_bounded(path, MOST_TABLE).decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except PermissionError:  # the machine's fault, not the file's
        raise
    except (OSError, ValueError, csv.Error) as why:
        raise DataError(f"{path} cannot be read as CSV ({why}): fetch it again or remove it.") from why
    return {str(row["id"]): str(row.get(GROUP) or "") for row in rows if row.get("id")}


def read(root: Path, name: str, group: str = "") -> Region:
    """One site: both years' bands as reflectance (1, 24, height, width), healthy 0 and damaged 1 (1, height, width).

    Label 1 where damaged; 0 where there was forest in 2022 and no damage; every other pixel is unlabelled, and so is
    one that has no data in either year. Two further targets, NaN where they aren't known: `forest kind`, the three of
    2022, and `burn ratio`, the normalised difference of B8A and B12 in 2020, for an encoder that reads 2019 alone.
    Raises DataError that names a missing, broken or odd file.
    """
    remedy = f"Each site needs a raster in {', '.join(FOLDERS)}. {DATA.source}"
    images = [raster(root / folder / f"{name}.tif", len(BANDS), remedy) for folder in FOLDERS[:2]]
    damage, forest = (raster(root / folder / f"{name}.tif", 1, remedy)[0] for folder in FOLDERS[2:])
    shapes = {values.shape[-2:] for values in (*images, damage, forest)}
    if len(shapes) > 1:
        raise DataError(f"the four rasters of site {name} under {root} differ in size: {sorted(shapes)}.")
    targets = np.where(damage == 1, 1, np.where(forest > 0, 0, UNLABELLED))
    holes = [((values == 0) | ~np.isfinite(values)).any(0) for values in images]
    targets[holes[0] | holes[1]] = UNLABELLED
    values = np.concatenate([filled(image, hole) for image, hole in zip(images, holes, strict=True)])
    read_in = inputs(values / np.float32(SCALE)) | further(images[1].astype(np.float32), holes[1], forest)
    examples = Examples(read_in, torch.from_numpy(targets)[None], PROBLEM)
    return Region(name, examples, group, DATA.bands)


def inputs(values: np.ndarray) -> dict[str, torch.Tensor]:
    count = len(YEARS)
    return {
        "bands": torch.from_numpy(values)[None],
        "wavelengths": torch.tensor([*BANDS.values()] * count, dtype=torch.float32)[None],
        "dates": torch.arange(count).repeat_interleave(len(BANDS))[None],
    }


def further(image: np.ndarray, hole: np.ndarray, forest: np.ndarray) -> dict[str, torch.Tensor]:
    """Further targets (1, height, width) of a site, from its bands in 2020 and its kinds of forest."""
    near, short = (image[list(BANDS).index(band)] for band in ("B8A", "B12"))
    ratio = np.where(hole, np.nan, (near - short) / np.maximum(near + short, 1))
    kind = np.where((forest >= 1) & (forest <= KINDS), forest.astype(np.float32) - 1, np.nan)
    found = {"burn ratio": ratio, "forest kind": kind}
    return {ALSO + name: torch.from_numpy(values.astype(np.float32))[None] for name, values in found.items()}


def filled(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """(bands, height, width) as float32, a hole filled with the nearest pixel that has data."""
    if not hole.any() or hole.all():
        return image.astype(np.float32)
    rows, columns = distance_transform_edt(hole, return_distances=False, return_indices=True)
    return image[:, rows, columns].astype(np.float32)


DATA = DataSet(
    name="forest-damage",
    problem=PROBLEM,
    bands=tuple(f"{band} {year}" for year in YEARS for band in BANDS),
    sites=sites,
    read=read,
    source=(
        "Get it from github.com/CrickCrock28/bark-bettle-damage-mapping-sentinel2 (its licence is not stated: "
        "for measuring, not for shipping) and lay it out so."
    ),
    layout=(
        "sites.csv (columns id, region12), s2_2019/ID.tif and s2_2020/ID.tif (12 bands, uint16, reflectance x 10,000, "
        "0 no data), damage/ID.tif (1 damaged), forest2022/ID.tif (above 0: forest)"
    ),
)

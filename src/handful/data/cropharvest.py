"""CropHarvest: a year of monthly satellite and weather data at points, crop or not (Tseng et al. 2021).

A site is a cell of five degrees. The arrays are HDF5: the extra `handful[hdf5]` reads them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import DataError, EnvironmentFault
from ..problem import Classes
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .folders import once
from .places import metres

OF_MONTH = (
    "VV", "VH", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12",
    "temperature_2m", "total_precipitation", "elevation", "slope", "NDVI",
)  # fmt: skip
MONTHS = 12
BANDS = tuple(f"{band} month {month + 1}" for band in OF_MONTH for month in range(MONTHS))
CELL = 5  # degrees
LABELS = "labels.geojson"
MOST_LABELS = 1 << 30  # bytes
PROBLEM = Classes(("other", "crop"))

Point = tuple[str, float, float, bool]  # its file, longitude, latitude, crop or not


@once
def points(path: Path) -> dict[str, list[Point]]:
    """The labelled points of each cell. Raises DataError where the labels are missing or broken."""
    if path.stat().st_size > MOST_LABELS:
        raise DataError(f"{path} has more than {MOST_LABELS:,} bytes: these are no labels of CropHarvest.")
    found: dict[str, list[Point]] = {}
    try:
        for feature in json.loads(path.read_bytes())["features"]:
            point = point_of(feature["properties"])
            found.setdefault(cell(*point[1:3]), []).append(point)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as why:
        raise DataError(
            f"{path} cannot be read as the labels of CropHarvest ({type(why).__name__} {why}): fetch it again."
        ) from why
    return found


def point_of(row: dict[str, Any]) -> Point:
    """Raises ValueError where a file name would lead elsewhere."""
    name = f"{int(row['index'])}_{row['dataset']}.h5"
    if Path(name).name != name:
        raise ValueError(f"a data set called {row['dataset']!r}")
    return name, float(row["lon"]), float(row["lat"]), bool(row["is_crop"])


def cell(lon: float, lat: float) -> str:
    """The south-western corner of a cell.

    >>> cell(1.2, -7.9)
    'S10 E000'
    """
    west, south = (int(np.floor(value / CELL)) * CELL for value in (lon, lat))
    return f"{'S' if south < 0 else 'N'}{abs(south):02d} {'W' if west < 0 else 'E'}{abs(west):03d}"


def sites(root: Path) -> dict[str, str]:
    """Every cell that has a point with an array."""
    if not (root / LABELS).exists():
        return {}
    arrays = {path.name for path in (root / "features" / "arrays").glob("*.h5")}
    return {
        name: "" for name, of_cell in sorted(points(root / LABELS).items()) if any(row[0] in arrays for row in of_cell)
    }


def read(root: Path, name: str, group: str = "") -> Region:
    """One cell: (n, 216) series of 18 bands, standardised with the data set's own means, crop 1 or other 0 (n,).

    Points without an array (the data set has many) are left out. Raises DataError that names a missing or broken file,
    EnvironmentFault where h5py is not installed.
    """
    folder = root / "features" / "arrays"
    there = [point for point in points(root / LABELS).get(name, []) if (folder / point[0]).is_file()]
    if not there:
        raise DataError(f"{folder} has no array of the cell {name}. {DATA.remedy}")
    mean, spread = (array(root / "features" / "normalizing_dict.h5", key, (len(OF_MONTH),)) for key in ("mean", "std"))
    series = np.stack([array(folder / point[0], "array", (MONTHS, len(OF_MONTH))) for point in there])
    scaled = ((series - mean) / np.where(spread > 0, spread, 1)).transpose(0, 2, 1).reshape(len(there), -1)
    targets = torch.tensor([int(point[3]) for point in there])
    examples = Examples(torch.from_numpy(scaled.astype(np.float32)), targets, PROBLEM)
    places = np.array([point[1:3] for point in there])
    return Region(name, examples, group, BANDS, tuple(point[0] for point in there), metres(*places.T))


def array(path: Path, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """One array of an HDF5 file, as float64; no link in it is followed. Raises DataError, EnvironmentFault."""
    try:
        import h5py
    except ImportError:
        raise EnvironmentFault("CropHarvest's arrays are HDF5: install handful[hdf5], or h5py.") from None
    if not path.is_file():
        raise DataError(f"{path} is missing. {DATA.remedy}")
    try:
        with h5py.File(path, "r") as file:
            plain = isinstance(file.get(key, getlink=True), h5py.HardLink) and isinstance(file[key], h5py.Dataset)
            if not plain or file[key].is_virtual or file[key].external or file[key].shape != shape:
                raise DataError(f"{path} has no array '{key}' of {shape}: fetch it again.")
            values = file[key][()].astype(np.float64)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as why:
        raise DataError(f"{path} cannot be read ({why}): fetch it again.") from why
    if not np.isfinite(values).all():
        raise DataError(f"{path} has values that are no numbers: fetch it again, or remove it.")
    return values


DATA = DataSet(
    name="cropharvest",
    problem=PROBLEM,
    bands=BANDS,
    sites=sites,
    read=read,
    source="Get labels.geojson and features.tar.gz, unpacked, from zenodo.org/records/7257688 (CC BY-SA 4.0).",
    layout=(
        "labels.geojson (index, dataset, lon, lat, is_crop), features/arrays/INDEX_DATASET.h5 (array, 12 months x 18) "
        "and features/normalizing_dict.h5 (mean, std)"
    ),
    radiometry="standardised",
)

"""Samples of the 18 bands that Presto reads, a value a month, in npz files (Tseng et al. 2023, arXiv 2304.14065)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor

from ..errors import DataError
from .tables import Table, as_inputs, column, npz, numbers

MOVING = (
    "VV", "VH", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12", "temperature_2m",
    "total_precipitation",
)  # fmt: skip
STILL = ("elevation", "slope")
BANDS = (*MOVING, *STILL, "NDVI")  # as in the files
NIR, RED = BANDS.index("B8"), BANDS.index("B4")
SERIES = "s1_s2_era5_srtm"
LAYOUT = (
    f"samples.npz ({SERIES} (n, months, 18), bands, month (n, months) from 0, latlon (n, 2) in degrees, target (n,), "
    "is_test (n,)"
)


def names(months: int) -> tuple[str, ...]:
    """The names of the features: bands by months, what stays the same, and the season."""
    by_month = [f"{band} month {month} of {months}" for band in (*MOVING, "NDVI") for month in range(1, months + 1)]
    return (*by_month, *STILL, "season sine", "season cosine")


def samples(path: Path, months: int) -> Table:
    """The arrays, whose rows agree. Raises DataError where they don't, or where the bands are others."""
    table = npz(path)
    if tuple(map(str, column(table, "bands", path))) != BANDS:
        raise DataError(f"{path}: the bands are {', '.join(map(str, table['bands']))}, expected {', '.join(BANDS)}.")
    series = column(table, SERIES, path, (months, len(BANDS)))
    by_row = {"month": (months,), "latlon": (2,), "target": (), "is_test": ()}
    for name, shape in by_row.items():
        if len(column(table, name, path, shape)) != len(series):
            raise DataError(f"{path}: {len(series)} series but {len(table[name])} rows of '{name}'.")
    numbers({"series": series.reshape(-1)}, ["series"], path)
    return table


def features(table: Table, rows: np.ndarray) -> Tensor:
    """Bands by months, elevation, slope, and the season of the first month on a circle (n, features), in their units.

    NDVI is computed from B8 and B4: the one in the file is that of another pixel or date.
    """
    series = table[SERIES][rows].astype(np.float64)
    nir, red = series[..., NIR], series[..., RED]
    ndvi = (nir - red) / np.where(nir + red == 0, 1, nir + red)
    moving = np.concatenate([series[..., : len(MOVING)], ndvi[..., None]], axis=2)
    still = series[:, 0, len(MOVING) : len(MOVING) + len(STILL)]
    angle = 2 * np.pi * table["month"][rows, :1] / 12
    by_month = moving.transpose(0, 2, 1).reshape(len(rows), -1)
    return as_inputs(np.concatenate([by_month, still, np.sin(angle), np.cos(angle)], axis=1))


def in_season(table: Table, rows: np.ndarray) -> np.ndarray:
    """Rows by the month of the year that their series begin in; those of one month in the order of the file.

    The files don't tell the year, so the first samples of a site are the earliest in the season, of any year.
    """
    return rows[np.argsort(table["month"][rows, 0], kind="stable")]


def parts(table: Table, keys: np.ndarray, path: Path) -> dict[str, str]:
    """The part of each site, "train" or "test". Raises DataError where a site is in both."""
    found: dict[str, str] = {}
    for name, is_test in zip(keys, table["is_test"], strict=True):
        part = "test" if is_test else "train"
        if found.setdefault(name, part) != part:
            raise DataError(f"{path}: site '{name}' is in the test and in the training.")
    return found

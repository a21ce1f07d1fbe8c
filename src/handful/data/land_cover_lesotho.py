"""Land cover at 3,581 points of Lesotho with two-month composites of Sentinel-2 of 2021 (FAO and DE Africa)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import DataError
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .tables import Table, as_classes, as_inputs, numbers, parquet, rows_of

FILE = "samples.parquet"
CELL = 40_000  # metres
# The legend of the repository, GEE_Lesotho/6-Parameters.js.
CLASSES = {
    1: "built-up", 2: "cropland", 4: "trees", 6: "water body", 7: "wetland", 9: "shrubland", 10: "grassland",
    12: "bare surfaces", 14: "irrigated cropland",
}  # fmt: skip
OF_PERIOD = (
    "blue", "green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir_1", "nir_2", "swir_1", "swir_2", "NDVI",
)  # fmt: skip
BANDS = tuple(f"{band}_{period}" for band in OF_PERIOD for period in range(6))
SOURCE = "Get it from github.com/frontiersi/land_cover_mapping_DEAfrica (Apache-2.0)."


def table(root: Path) -> tuple[Table, np.ndarray, np.ndarray]:
    """The samples, x and y of each in metres (EPSG:32735), and its cell by column and row from the origin: x14y168."""
    path = root / FILE
    found = parquet(path)
    metres = numbers(found, ["x_coord", "y_coord"], path)
    cells = np.floor(metres / CELL).astype(int).tolist()
    return found, metres, np.array([f"x{x}y{y}" for x, y in cells], dtype=object)


def sites(root: Path) -> dict[str, str]:
    return dict.fromkeys(sorted(set(table(root)[2])), "") if (root / FILE).exists() else {}


def read(root: Path, name: str, group: str = "") -> Region:
    """One cell of 40 km: 11 bands by 6 periods of two months (n, 66), as in the file, and the classes that occur."""
    path = root / FILE
    found, metres, cells = table(root)
    rows = rows_of(cells, name, path)
    codes = numbers(found, ["LC_Class_I"], path, rows)[:, 0]
    unknown = sorted(set(codes) - set(CLASSES))
    if unknown:
        raise DataError(f"{path}: LC_Class_I has {unknown[0]:g}, expected one of {', '.join(map(str, CLASSES))}.")
    targets, problem = as_classes(np.array([CLASSES[code] for code in codes], dtype=object))
    examples = Examples(as_inputs(numbers(found, BANDS, path, rows)), targets, problem)
    return Region(name, examples, group, BANDS, metres=metres[rows])


DATA = DataSet(
    name="land-cover-lesotho",
    problem=None,
    bands=BANDS,
    sites=sites,
    read=read,
    source=SOURCE,
    layout="samples.parquet (columns LC_Class_I, blue_0 to NDVI_5, x_coord and y_coord in EPSG:32735)",
    radiometry="reflectance x 10,000, NDVI x 10,000",
)

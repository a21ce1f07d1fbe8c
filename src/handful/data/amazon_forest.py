"""Forest or not in 45 scenes of the Amazon, 512 x 512 pixels in true colour (Bragagnolo et al. 2021)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..errors import DataError
from ..problem import Classes
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .folders import csv_columns, present
from .rasters import raster

FILES = ("sites.csv", "images", "masks")
# The set has no test split: its validation scenes, by which nothing is chosen here, are the test.
PARTS = {"training": "train", "validation": "test"}
PROBLEM = Classes(("forest", "not forest"))
SOURCE = (
    "Get it from doi.org/10.5281/zenodo.3233081 or github.com/davej23/attention-mechanism-unet (its licence is not "
    "stated: for measuring, not for shipping) and lay it out so."
)


def table(root: Path) -> dict[str, dict[str, str]]:
    path = root / FILES[0]
    rows = {row["id"]: row for row in csv_columns(path, ("id", "split", "parent"))}
    odd = sorted({row["split"] for row in rows.values()} - set(PARTS))
    if odd:
        raise DataError(f"{path}: the split '{odd[0]}' is neither training nor validation.")
    return rows


def sites(root: Path) -> dict[str, str]:
    """The parent image that each scene was cut from."""
    return {name: row["parent"] for name, row in table(root).items()} if present(root, FILES, SOURCE) else {}


def read(root: Path, name: str, group: str = "") -> Region:
    """One scene: colours (1, 3, height, width) from 0 to 1, forest 0 and anything else 1 (1, height, width)."""
    remedy = f"Layout: {DATA.layout}. {SOURCE}"
    image = raster(root / "images" / f"{name}.tif", 3, remedy)
    mask = raster(root / "masks" / f"{name}.tif", 1, remedy)
    if image.shape[1:] != mask.shape[1:]:
        raise DataError(f"the image and the mask of {name} under {root} differ in size: {image.shape}, {mask.shape}.")
    if image.dtype != np.uint8 or not np.isin(mask, (0, 1)).all():
        raise DataError(
            f"scene {name} under {root}: an image of {image.dtype} and a mask with the values from {mask.min()} to "
            f"{mask.max()}, expected uint8, and 0 (forest) or 1. {remedy}"
        )
    inputs = torch.from_numpy(image.astype(np.float32) / 255)[None]
    return Region(name, Examples(inputs, torch.from_numpy(mask.astype(np.int64)), PROBLEM), group, DATA.bands)


def splits(root: Path) -> dict[str, dict[str, str]]:
    """official: 30 scenes to train on; its 15 validation scenes are the test."""
    return {"official": {name: PARTS[row["split"]] for name, row in table(root).items()}}


DATA = DataSet(
    name="amazon-forest",
    problem=PROBLEM,
    bands=("red", "green", "blue"),
    sites=sites,
    read=read,
    source=SOURCE,
    layout=(
        "sites.csv (columns id, split, parent), images/ID.tif (3 bands, uint8) and masks/ID.tif "
        "(1 band: 0 forest, 1 not forest)"
    ),
    radiometry="RGB from 0 to 1",
    splits=splits,
)

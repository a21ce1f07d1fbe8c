"""Classes of aerial scenes in zip archives of class folders: UC Merced and AID. A class is a site."""

from __future__ import annotations

from functools import partial
from pathlib import Path, PurePosixPath

import torch

from ..errors import DataError
from ..problem import Classes
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .zips import colours, folders

BANDS = ("red", "green", "blue")


def archive(root: Path, names: tuple[str, ...]) -> Path:
    """The archive under the first of its names that is there."""
    return next((root / name for name in names if (root / name).exists()), root / names[0])


def classes(path: Path) -> dict[str, tuple[str, ...]]:
    """The images of each class: its name is that of the folder right above them. Raises DataError on a name twice."""
    found: dict[str, tuple[str, ...]] = {}
    for folder, images in folders(path).items():
        name = PurePosixPath(folder).name
        if name in found:
            raise DataError(f"{path} has two folders of the class '{name}': keep one.")
        found[name] = images
    return found


def sites(root: Path, *, names: tuple[str, ...]) -> dict[str, str]:
    path = archive(root, names)
    return dict.fromkeys(classes(path), "") if path.exists() else {}


def read(root: Path, name: str, group: str = "", *, names: tuple[str, ...], side: int) -> Region:
    """One class: its images (n, 3, side, side); an image of another size is resized, as is usual for few-shot work."""
    path = archive(root, names)
    images = classes(path).get(name)
    if images is None:
        raise DataError(f"{path} has no folder of the class '{name}'.")
    examples = Examples(colours(path, images, side), torch.zeros(len(images), dtype=torch.int64), Classes((name,)))
    return Region(name, examples, group, BANDS, images)


def data_set(name: str, names: tuple[str, ...], side: int, source: str, layout: str) -> DataSet:
    return DataSet(
        name=name,
        problem=None,
        bands=BANDS,
        sites=partial(sites, names=names),
        read=partial(read, names=names, side=side),
        source=source,
        layout=f"{names[0]} (or {names[1]}): {layout}; JPEG, PNG or TIFF, resized to {side} x {side}",
        radiometry="RGB from 0 to 1",
        site_is="class",
        shared=False,
    )


UCMERCED = data_set(
    "ucmerced",
    ("ucmerced.zip", "UCMerced_LandUse.zip"),
    128,
    "Yang and Newsam 2010: get it from weegee.vision.ucmerced.edu/datasets/landuse.html (public domain imagery of the "
    "USGS; the collection's terms are not stated).",
    "UCMerced_LandUse/Images/CLASS/*, 21 classes of 100 images",
)
AID = data_set(
    "aid",
    ("aid.zip", "AID.zip"),
    84,
    "Xia et al. 2017 (arXiv 1608.05167): get it from captain-whu.github.io/AID (imagery of Google Earth, under its "
    "terms: for measuring, not for shipped weights).",
    "AID/CLASS/*, 30 classes",
)

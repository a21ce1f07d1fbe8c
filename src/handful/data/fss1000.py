"""FSS-1000: 1,000 kinds of things, ten pictures each with a mask (Li et al. 2020, arXiv:1907.12347).

A site is a kind: its pixels are background or the thing. A task segments whole pictures into background and the kinds
of one site (1-way) or several, after as many labelled pictures of each as it has shots.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..errors import DataError
from ..problem import UNLABELLED, Classes
from ..region import Region
from ..task import Examples
from .dataset import DataSet
from .patches import parts
from .pictures import picture, pictures

PICTURES = range(1, 11)
CUT = 128
TEST_LIST = "fss_test_set.txt"
PROBLEM = Classes(("background", "object"))


def home(root: Path) -> Path:
    """The folder that holds the kinds; the zip nests it."""
    nested = [root / "fewshot_data" / "fewshot_data", root / "fewshot_data", root / "FSS-1000"]
    return next((folder for folder in nested if folder.is_dir()), root)


def sites(root: Path) -> dict[str, str]:
    """Every folder that has a first picture or mask."""
    found = [path.parent.name for path in home(root).glob("*/1.*") if path.suffix in (".jpg", ".png")]
    return {name: "" for name in sorted(set(found))}


def read(root: Path, name: str, group: str = "") -> Region:
    """One kind: (10, 3, 224, 224) from 0 to 1, background 0 and object 1 (10, 224, 224).

    A mask that is not of its picture's size (peregine_falcon/8.png is such a one) leaves its picture unlabelled.
    Raises DataError that names a missing or broken file.
    """
    folder = home(root) / name
    values = pictures([folder / f"{number}.jpg" for number in PICTURES], DATA.remedy)
    targets = [mask(folder / f"{number}.png", values.shape[2:]) for number in PICTURES]
    examples = Examples(values, torch.from_numpy(np.stack(targets)), PROBLEM)
    return Region(name, examples, group, DATA.bands, origins=tuple(f"{name}/{number}" for number in PICTURES))


def mask(path: Path, size: tuple[int, ...]) -> np.ndarray:
    """(height, width) 1 where the mask is bright, 0 elsewhere."""
    bright = picture(path, DATA.remedy).max(0) >= CUT
    return bright.astype(np.int64) if bright.shape == tuple(size) else np.full(size, UNLABELLED)


def splits(root: Path) -> dict[str, dict[str, str]]:
    """ "official": the test kinds of the authors' list, where it is there; of the others 520 to 240 are drawn."""
    path = next((folder / TEST_LIST for folder in (root, home(root)) if (folder / TEST_LIST).is_file()), None)
    if path is None:
        return {}
    try:
        listed = set(plain(path.read_text("utf-8")).split())
    except (OSError, UnicodeDecodeError) as why:
        raise DataError(f"{path} cannot be read ({why}): fetch it again.") from why
    names = sites(root)
    dealt = parts([name for name in names if plain(name) not in listed], {"train": 520, "validation": 240})
    return {"official": dealt | {name: "test" for name in names if plain(name) in listed}}


def plain(name: str) -> str:
    """The list writes abe's_flyingfish, the folder goes without the apostrophe."""
    return name.replace("'", "")


DATA = DataSet(
    name="fss-1000",
    problem=PROBLEM,
    bands=("red", "green", "blue"),
    sites=sites,
    read=read,
    splits=splits,
    source="Get it from github.com/HKUSTCV/FSS-1000, with fss_test_set.txt (its licence is not stated).",
    layout="a folder a kind, in it 1.jpg, 1.png, ... 10.jpg, 10.png (224 x 224)",
    radiometry="RGB from 0 to 1",
    site_is="kind",
    shared=False,
)

"""DeepGlobe land cover: pictures of 0.5 m with seven colours of land cover (Demir et al. 2018, arXiv:1805.06561).

Nothing says where a picture was taken. As in Russwurm et al. 2020 (arXiv:2004.13390) regions are guessed by clustering;
here by colour and texture with k-means, where the paper had a network's features.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..errors import DataError
from ..problem import UNLABELLED
from ..region import Region
from .dataset import DataSet
from .patches import of_present_classes
from .pictures import picture

NAMES = ("urban", "agriculture", "range", "forest", "water", "barren")
# A mask's colour, each channel cut at 128, as red 4 + green 2 + blue 1.
COLOURS = np.array([UNLABELLED, 4, 3, 0, UNLABELLED, 2, 1, 5])  # black is unknown, red alone is no class
CUT = 128
REDUCED = 4  # pixels a side of a mean: 2 m, where labels of land cover are as good
REGIONS = 6  # guessed
DRAFT = 256  # pixels a side at least, of the picture that a region is guessed from


def sites(root: Path) -> dict[str, str]:
    """A site each picture that has a mask, and its guessed region as its group. All pictures are looked at."""
    folder = home(root)
    names = sorted(path.name.removesuffix("_mask.png") for path in folder.glob("*_mask.png"))
    return dict(zip(names, guessed([folder / f"{name}_sat.jpg" for name in names]), strict=True)) if names else {}


def home(root: Path) -> Path:
    return root / "train" if (root / "train").is_dir() else root


def guessed(files: list[Path]) -> list[str]:
    """The cluster of each picture, "region 0" that of the first: the same for the same pictures."""
    from sklearn.cluster import KMeans  # slow to import, and needed here only

    table = np.stack([look(file) for file in files])
    table = (table - table.mean(0)) / (table.std(0) + 1e-6)
    count = min(REGIONS, len(np.unique(table, axis=0)))
    clusters = KMeans(count, n_init=10, random_state=0).fit_predict(table).tolist()
    order = {cluster: index for index, cluster in enumerate(dict.fromkeys(clusters))}
    return [f"region {order[cluster]}" for cluster in clusters]


def look(file: Path) -> np.ndarray:
    """Mean and deviation of each colour, and how much it changes from a pixel to the next and over eight (12,)."""
    values = picture(file, DATA.remedy, draft=DRAFT).astype(np.float32) / 255
    steps = [np.abs(values[..., step:] - values[..., :-step]).mean((1, 2)) for step in (1, 8)]
    return np.concatenate([values.mean((1, 2)), values.std((1, 2)), *steps])


def read(root: Path, name: str, group: str = "") -> Region:
    """One picture: (1, 3, 612, 612) from 0 to 1, means of 4 x 4 pixels, and a class each (1, 612, 612).

    Where the 16 pixels are not of one class, or unknown, nothing is labelled. Raises DataError that names a missing or
    broken file.
    """
    photo, mask = home(root) / f"{name}_sat.jpg", home(root) / f"{name}_mask.png"
    values, colours = picture(photo, DATA.remedy), picture(mask, DATA.remedy)
    if values.shape != colours.shape or min(values.shape[1:]) < REDUCED:
        raise DataError(f"{mask} has {colours.shape[1:]} pixels and {photo} {values.shape[1:]}: fetch them again.")
    classes = blocks(COLOURS[np.tensordot([4, 2, 1], colours >= CUT, axes=1)])
    targets = np.where(classes.min(-1) == classes.max(-1), classes[..., 0], UNLABELLED)
    inputs = torch.from_numpy(blocks(values).mean(-1, dtype=np.float32) / np.float32(255))
    return Region(name, of_present_classes(inputs[None], targets[None], NAMES), group, DATA.bands, origins=(name,))


def blocks(values: np.ndarray) -> np.ndarray:
    """(..., height, width) -> (..., height / 4, width / 4, 16); what is left over at the ends is cut."""
    height, width = (length // REDUCED for length in values.shape[-2:])
    cut = values[..., : height * REDUCED, : width * REDUCED]
    split = cut.reshape(*values.shape[:-2], height, REDUCED, width, REDUCED)
    return split.swapaxes(-3, -2).reshape(*values.shape[:-2], height, width, REDUCED**2)


DATA = DataSet(
    name="deepglobe",
    problem=None,
    bands=("red", "green", "blue"),
    sites=sites,
    read=read,
    source=(
        "Get it from kaggle.com/datasets/balraj98/deepglobe-land-cover-classification-dataset (the challenge's own "
        "terms: research only)."
    ),
    layout="train/ID_sat.jpg and train/ID_mask.png (2448 x 2448, RGB), or the files themselves",
    radiometry="RGB from 0 to 1",
)

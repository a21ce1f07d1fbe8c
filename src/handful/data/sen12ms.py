"""SEN12MS: Sentinel-1 and Sentinel-2 patches of four seasons all over the world, with MODIS land cover.

Schmitt et al. 2019, arXiv:1906.07789. A quarter of a patch is an image, its class the majority of its pixels, as in
Russwurm et al. 2020 (arXiv:2004.13390).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import DataError
from ..problem import UNLABELLED
from ..region import Region
from .dataset import DataSet
from .patches import drawn, majority, of_present_classes, parts
from .rasters import raster
from .sentinel import SCALE, SENTINEL2, seen_once

SEASONS = {
    "spring": "ROIs1158_spring",
    "summer": "ROIs1868_summer",
    "fall": "ROIs1970_fall",
    "winter": "ROIs2017_winter",
}
BANDS = (*SENTINEL2, "VV", "VH")
NAMES = (
    "forest", "shrubland", "savanna", "grassland", "wetland",
    "cropland", "urban", "snow and ice", "barren", "water",
)  # fmt: skip
# The simplified class of each IGBP class 0 to 17 (Yokoya et al. 2020, Schmitt et al. 2020); 0 is none.
SIMPLIFIED = np.array([UNLABELLED, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 5, 7, 8, 9])
LAND_COVER_BANDS = 4  # IGBP, and three of LCCS
SIDE = 256  # pixels of a patch
QUARTERS = {"tl": (0, 0), "tr": (0, 1), "bl": (1, 0), "br": (1, 1)}
MOST = 50  # quarters a class and scene: a scene has some 2,900, of 1 MB each

# The scenes of each part in Russwurm et al. 2020, as their authors' later code lists them (github.com/MarcCoru/meteor).
PUBLISHED = {
    "train": (
        "57 27 77 94 61 3 142 43 79 14 39 100 56 53 147 4 15 58 112 44 124 59 114 113 71 125 127 146 117 33 80 11 47 9 "
        "6 29 20 35 69 24 131 19 68 104 41 66 86 75 105 137 120 28 143 25 129 37 93 116 45 84 133 121 62 31 52 115 132 "
        "136 82 102 7 97 87 149 144"
    ),
    "validation": "83 64 30 138 63 128 36 85 139 140 109 40 72 78 88 42 55 26 89 119 1 106 148 107 76",
    "test": "118 126 122 145 108 8 65 101 81 134 123 103 135 110 95 130 49 91 17 22 32 73 90 141 21",
}
# The hold-out scenes of the data set's authors (github.com/schmitt-muc/SEN12MS, splits/SEN12MS_holdOutScenes.txt).
HOLD_OUT = {
    "spring": "63 146 97 124 15 17",
    "summer": "43 131 19 104 72 15 79",
    "fall": "120 39 144 35 61 47 30 141",
    "winter": "64 146 32 107 135",
}


def sites(root: Path) -> dict[str, str]:
    """Season and scene as "spring-1", and the scene's number as its group: seasons of one number stay together."""
    found: dict[str, str] = {}
    for season, folder in SEASONS.items():
        numbers = [path.name.removeprefix("s2_") for path in (root / folder).glob("s2_*") if path.is_dir()]
        found |= {f"{season}-{number}": number for number in sorted(numbers) if number.isdecimal()}
    return found


def read(root: Path, name: str, group: str = "") -> Region:
    """One scene of one season: quarters (n, 15, 128, 128), reflectance of 13 bands and dB of 2, a class each (n,).

    Quarters without a class or with a value that is no number (one Sentinel-1 patch is damaged) are left out, and of
    more than 50 quarters a class so many are drawn. Raises DataError that names a missing, broken or odd file.
    """
    season, _, number = name.partition("-")
    scene = Scene(root / SEASONS[season], f"{SEASONS[season]}_{{}}_{number}_{{}}.tif", number)
    labels = scene.labels()
    chosen = {q for index in range(len(NAMES)) for q in drawn([q for q in labels if labels[q] == index], MOST, name)}
    quarters, codes, origins = [], [], []
    for patch in scene.patches():
        of_patch = [corner for corner in QUARTERS if (patch, corner) in chosen]
        image = scene.image(patch) if of_patch else np.full(1, np.nan)
        if np.isfinite(image).all():
            quarters += [cut(image, corner).copy() for corner in of_patch]
            codes += [labels[patch, corner] for corner in of_patch]
            origins += [patch] * len(of_patch)
    if not quarters:
        raise DataError(f"scene {name} under {root} has no patch with a class. Layout: {DATA.layout}.")
    examples = of_present_classes(seen_once(np.stack(quarters), BANDS), np.array(codes), NAMES)
    return Region(name, examples, group, BANDS, origins=tuple(origins))


class Scene:
    """The patches of one scene: `template` is a file's name without its kind and patch."""

    def __init__(self, folder: Path, template: str, number: str):
        self.folder, self.template, self.number = folder, template, number

    def path(self, kind: str, patch: str) -> Path:
        return self.folder / f"{kind}_{self.number}" / self.template.format(kind, patch)

    def patches(self) -> list[str]:
        """ "p1", "p2", ... as far as Sentinel-2 has them."""
        names = [path.stem.rpartition("_")[2] for path in (self.folder / f"s2_{self.number}").glob("*.tif")]
        return sorted(names, key=lambda name: (len(name), name))

    def labels(self) -> dict[tuple[str, str], int]:
        """The class of each quarter, by patch and corner; -100 for none."""
        covers = {patch: self.land_cover(patch) for patch in self.patches()}
        return {
            (patch, corner): majority(cut(codes, corner), len(NAMES))
            for patch, codes in covers.items()
            for corner in QUARTERS
        }

    def land_cover(self, patch: str) -> np.ndarray:
        """(1, 256, 256) simplified classes; what is no IGBP class is unlabelled."""
        path = self.path("lc", patch)
        igbp = square(raster(path, LAND_COVER_BANDS, DATA.remedy, first=1), path).astype(np.int64)
        return SIMPLIFIED[np.where((igbp >= 0) & (igbp < len(SIMPLIFIED)), igbp, 0)]

    def image(self, patch: str) -> np.ndarray:
        """(15, 256, 256) float32."""
        optical, radar = self.path("s2", patch), self.path("s1", patch)
        reflectance = square(raster(optical, len(SENTINEL2), DATA.remedy), optical).astype(np.float32) / SCALE
        return np.concatenate([reflectance, square(raster(radar, 2, DATA.remedy), radar).astype(np.float32)])


def square(values: np.ndarray, path: Path) -> np.ndarray:
    if values.shape[1:] != (SIDE, SIDE):
        raise DataError(f"{path} has {values.shape[1]} x {values.shape[2]} pixels, expected {SIDE} x {SIDE}.")
    return values


def cut(values: np.ndarray, corner: str) -> np.ndarray:
    """A quarter (bands, 128, 128) of a patch."""
    half, (row, column) = SIDE // 2, QUARTERS[corner]
    return values[:, row * half : (row + 1) * half, column * half : (column + 1) * half]


def splits(root: Path) -> dict[str, dict[str, str]]:
    """ "published": 75 / 25 / 25 scenes of Russwurm et al. 2020; "drawn": the same shares, drawn with a seed;
    "hold-out": the authors' test scenes, and all others to train on (some are of the same number)."""
    groups = sites(root)
    published = {number: part for part, numbers in PUBLISHED.items() for number in numbers.split()}
    dealt = parts(sorted(set(groups.values())), {"train": 75, "validation": 25, "test": 25})
    held = {f"{season}-{number}" for season, numbers in HOLD_OUT.items() for number in numbers.split()}
    return {
        "published": {name: published[number] for name, number in groups.items() if number in published},
        "drawn": {name: dealt[number] for name, number in groups.items()},
        "hold-out": {name: "test" if name in held else "train" for name in groups},
    }


DATA = DataSet(
    name="sen12ms",
    problem=None,
    bands=BANDS,
    sites=sites,
    read=read,
    splits=splits,
    source="Get it from mediatum.ub.tum.de/1474000 (CC BY 4.0).",
    layout=(
        "ROIs1158_spring, ROIs1868_summer, ROIs1970_fall, ROIs2017_winter, in each s2_1/ROIs1158_spring_s2_1_p30.tif "
        "(13 bands, uint16, reflectance x 10,000), s1_1/ROIs1158_spring_s1_1_p30.tif (VV and VH in dB) and "
        "lc_1/ROIs1158_spring_lc_1_p30.tif (4 bands, the first IGBP), all 256 x 256"
    ),
)

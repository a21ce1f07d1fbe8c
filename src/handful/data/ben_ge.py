"""ben-ge: BigEarthNet's Sentinel-1 and Sentinel-2 patches with elevation, land cover, weather, climate and season.

Mommert et al. 2023, arXiv:2307.01741. A site is one scene of Sentinel-2, the answer WorldCover's class of each pixel.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.sparse.csgraph import connected_components

from ..errors import DataError
from ..problem import UNLABELLED
from ..region import Region
from .dataset import DataSet
from .folders import once
from .patches import drawn, of_present_classes
from .rasters import raster
from .sentinel import SCALE, SENTINEL2, seen_once

OPTICAL = tuple(band for band in SENTINEL2 if band != "B10")
BANDS = (*OPTICAL, "VV", "VH", "elevation")
SIZE = (120, 120)  # pixels of a patch at 10 m; coarser bands are brought to it
WORLDCOVER = {
    10: "tree cover", 20: "shrubland", 30: "grassland", 40: "cropland", 50: "built-up", 60: "bare", 70: "snow and ice",
    80: "water", 90: "wetland", 95: "mangroves", 100: "moss and lichen",
}  # fmt: skip
NAMES = tuple(WORLDCOVER.values())
WEATHER = ("atmpressure_level", "temperature_s2", "wind-u_s2", "wind-v_s2", "relhumidity_s2")  # mbar, K, m/s, m/s, %
ZONES = 31  # 0, over water alone, and the 30 of Beck et al. 2018
CONTEXT = (*WEATHER, "season", *(f"climate zone {zone}" for zone in range(ZONES)))
MOST = 100  # patches a site


def table(root: Path, kind: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """The rows of a CSV of the data set, by patch: ben-ge_meta.csv, or ben-ge-8k_meta.csv of the small one.

    Raises DataError where it is missing, there are several, or it has other columns.
    """
    paths = sorted(root.glob(f"ben-ge*_{kind}.csv"))
    if len(paths) != 1:
        what = f"has {len(paths)} files ben-ge*_{kind}.csv" if paths else f"has no ben-ge*_{kind}.csv"
        raise DataError(f"{root} {what}. {DATA.remedy}")
    rows = by_patch(paths[0])
    missing = [name for name in columns if name not in rows]
    if missing or not rows.index.is_unique:
        fault = f"no column {', '.join(missing)}" if missing else "a patch_id twice"
        raise DataError(f"{paths[0]} has {fault}: fetch it again.")
    return rows


@once
def by_patch(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype={"patch_id": str, "patch_id_s1": str}).set_index("patch_id")
    except (OSError, ValueError, KeyError) as why:  # pandas raises several kinds of ValueError
        raise DataError(f"{path} cannot be read as CSV with patch_id ({why}): fetch it again.") from why


def scene(patch: str) -> str:
    """The scene of a patch: S2A_MSIL2A_20170613T101031_26_57 without its place in the tile."""
    return patch.rsplit("_", 2)[0]


def sites(root: Path) -> dict[str, str]:
    """A site each scene; scenes whose patches' extents overlap are one group, named after its first scene."""
    if not any(root.glob("ben-ge*_meta.csv")):
        return {}
    patches = there(root, table(root, "meta", ("lon", "lat")))
    scenes = patches[["lon", "lat"]].groupby(scene).agg(["min", "max"])
    low, high = scenes.xs("min", axis=1, level=1).to_numpy(), scenes.xs("max", axis=1, level=1).to_numpy()
    overlap = ((low[:, None] <= high) & (low <= high[:, None])).all(-1)
    groups, names = connected_components(overlap)[1], list(scenes.index)
    return {name: names[int(np.flatnonzero(groups == group)[0])] for name, group in zip(names, groups, strict=True)}


def there(root: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose Sentinel-2 patch is on disk: a part of the data set will do."""
    folders = {path.name for path in (root / "sentinel-2").glob("*")}
    return rows[[patch in folders for patch in rows.index]]


def read(root: Path, name: str, group: str = "") -> Region:
    """One scene: at most 100 of its patches, (n, 15, 120, 120) reflectance, dB and metres, a class each pixel.

    `context` (n, 37) is the weather at the time of Sentinel-2 as ERA5 has it, the season (0 winter, 1 summer solstice)
    and the climate zone, one of 31. Raises DataError that names a missing, broken or odd file.
    """
    meta = there(root, table(root, "meta", ("patch_id_s1", "season_s2")))
    weather, zones = table(root, "era-5", WEATHER), climate(root, meta)
    patches = drawn(sorted(patch for patch in meta.index if scene(patch) == name), MOST, name)
    lost = [patch for patch in patches if patch not in weather.index or patch not in zones.index]
    if lost or not patches:
        what = f"no weather or climate of the patch {lost[0]}" if lost else f"no patch of the scene {name}"
        raise DataError(f"{root} has {what}: fetch the tables again.")
    values = np.stack([image(root, patch, str(meta.patch_id_s1[patch])) for patch in patches])
    codes = np.stack([cover(root, patch) for patch in patches])
    codes[~np.isfinite(values).all(1)] = UNLABELLED
    season = meta.loc[patches, ["season_s2"]].to_numpy(np.float32)
    zone = np.eye(ZONES, dtype=np.float32)[zones[patches].to_numpy()]
    context = np.concatenate([weather.loc[patches, list(WEATHER)].to_numpy(np.float32), season, zone], axis=1)
    inputs = seen_once(np.nan_to_num(values), BANDS) | {"context": torch.from_numpy(context)}
    return Region(name, of_present_classes(inputs, codes, NAMES), group, BANDS, origins=tuple(patches))


def climate(root: Path, meta: pd.DataFrame) -> pd.Series:
    """The climate zone of each patch: a column of the table of patches, or a table of its own."""
    rows = meta if "climatezone" in meta else table(root, "climatezones", ("climatezone",))
    zones = rows.climatezone
    if not zones.isin(range(ZONES)).all():
        raise DataError(f"{root}: a climate zone is not one of 0 to {ZONES - 1}: fetch the table again.")
    return zones.astype(int)


def image(root: Path, patch: str, radar: str) -> np.ndarray:
    """(15, 120, 120) float32: reflectance, dB of VV and VH, elevation in metres."""
    optical = [root / "sentinel-2" / patch / f"{patch}_{band}.tif" for band in OPTICAL]
    others = [root / "sentinel-1" / radar / f"{radar}_{band}.tif" for band in ("VV", "VH")]
    paths = [*optical, *others, root / "dem" / f"{patch}_dem.tif"]
    values = np.concatenate([raster(path, 1, DATA.remedy, size=SIZE).astype(np.float32) for path in paths])
    values[: len(OPTICAL)] /= SCALE
    return values


def cover(root: Path, patch: str) -> np.ndarray:
    """(120, 120) indices into WorldCover's classes; what is no class is unlabelled."""
    path = root / "esaworldcover" / f"{patch}_esaworldcover.tif"
    codes = raster(path, 1, DATA.remedy)[0]
    if codes.shape != SIZE:
        raise DataError(f"{path} has {codes.shape[0]} x {codes.shape[1]} pixels, expected {SIZE[0]} x {SIZE[1]}.")
    places = [np.where(codes == code, index - UNLABELLED, 0) for index, code in enumerate(WORLDCOVER)]
    return sum(places, np.full(SIZE, UNLABELLED))


DATA = DataSet(
    name="ben-ge",
    problem=None,
    bands=BANDS,
    sites=sites,
    read=read,
    source=(
        "Get it from github.com/HSG-AIML/ben-ge (ben-ge-8k is one archive on Zenodo, record 8121208; its page has the "
        "licence) and Sentinel data of the full one from bigearth.net (CDLA-Permissive-1.0)."
    ),
    layout=(
        "ben-ge-8k_meta.csv (patch_id, patch_id_s1, season_s2, lon, lat), ben-ge-8k_era-5.csv, "
        "ben-ge-8k_climatezones.csv (or a column climatezone in the first), sentinel-2/PATCH/PATCH_B02.tif, "
        "sentinel-1/PATCH_S1/PATCH_S1_VV.tif, dem/PATCH_dem.tif and esaworldcover/PATCH_esaworldcover.tif"
    ),
)

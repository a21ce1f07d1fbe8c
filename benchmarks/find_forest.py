"""Forest damage: the damaged polygons of one site are shown, and looked for at sites of other groups."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from common import Scores, data, run, shown, table
from rasterio.features import rasterize, shapes
from sklearn.ensemble import RandomForestClassifier

from handful.maps.layer_file import write_layer

YEARS = (2019, 2020)
SHOWN = 8  # largest polygons of a site that are shown
LEAST_PIXELS = 20  # of damage that a site must have
METHODS = ("handful find", "pixel similarity", "random forest")
Site = dict[str, Any]


def read(root: Path, name: str) -> Site:
    """Reflectance of both years (24, height, width), damage and known forest (height, width)."""
    bands = [rasterio.open(root / f"s2_{year}" / f"{name}.tif").read() for year in YEARS]
    damage = rasterio.open(root / "damage" / f"{name}.tif").read(1) == 1
    forest = rasterio.open(root / "forest2022" / f"{name}.tif").read(1) > 0
    return {"name": name, "bands": np.concatenate(bands) / 1e4, "damage": damage, "known": damage | forest}


def examples_of(root: Path, site: Site, folder: Path) -> tuple[Path, np.ndarray]:
    """The largest damaged polygons of a site as a layer, and a mask of their pixels."""
    with rasterio.open(root / "damage" / f"{site['name']}.tif") as raster:
        crs, transform = raster.crs, raster.transform
    found = [shapely.geometry.shape(s) for s, v in shapes(site["damage"].astype(np.uint8)) if v]
    best = sorted(found, key=lambda one: -one.area)[:SHOWN]
    mask = rasterize(best, site["damage"].shape).astype(bool)
    path = folder / f"{site['name']}.gpkg"
    ground = shapely.transform(np.array(best, object), lambda xy: np.stack(transform * xy.T, axis=1))
    write_layer(path, "damage", {}, ground, crs)
    return path, mask


def measures(score: np.ndarray, picked: np.ndarray | None, site: Site) -> dict[str, float]:
    """IoU of what was picked and precision at a recall of one half, over pixels that are known."""
    known, damage = site["known"], site["damage"][site["known"]]
    order = np.argsort(-np.nan_to_num(score[known], nan=-np.inf), kind="stable")
    hits = damage[order].cumsum()
    at = int(np.searchsorted(hits, np.ceil(damage.sum() / 2)))
    found = {"precision": float(hits[at] / (at + 1))}
    if picked is not None:
        mine = picked[known]
        found["iou"] = float((mine & damage).sum() / max((mine | damage).sum(), 1))
    return found


def by_handful(root: Path, shown_at: Site, site: Site, work: Path) -> dict[str, float]:
    layer, _ = examples_of(root, shown_at, work)
    out = work / f"{shown_at['name']}-{site['name']}"
    scenes, theirs = ([root / f"s2_{y}" / f"{one['name']}.tif" for y in YEARS] for one in (site, shown_at))
    options = [word for path in theirs for word in ("--examples-scene", path)]
    run("find", *scenes, layer, "-o", out, "--as", "polygons", "--overwrite", "--quiet", *options)
    with rasterio.open(out / "similarity.tif") as raster:
        score, transform = raster.read(1), raster.transform
    import geopandas

    objects = geopandas.read_file(out / "objects.gpkg", layer="objects")
    picked = np.zeros(score.shape, bool)
    if len(objects):
        picked = rasterize(objects.geometry, score.shape, transform=transform).astype(bool)
    return measures(score, picked, site)


def by_similarity(root: Path, shown_at: Site, site: Site, work: Path) -> dict[str, float]:
    """The cosine of each pixel's bands to the mean of the shown pixels; half of what these reach is the threshold."""
    _, mask = examples_of(root, shown_at, work)
    mean, spread = shown_at["bands"].mean((1, 2)), shown_at["bands"].std((1, 2)) + 1e-6
    seen = [(one["bands"] - mean[:, None, None]) / spread[:, None, None] for one in (shown_at, site)]
    wanted = seen[0][:, mask].mean(1)
    cosines = [np.einsum("bhw,b->hw", s, wanted) / (np.linalg.norm(s, axis=0) + 1e-6) for s in seen]
    least = 0.5 * float(np.median(cosines[0][mask]))
    return measures(cosines[1], cosines[1] >= least, site)


def by_forest(root: Path, shown_at: Site, site: Site, work: Path) -> dict[str, float]:
    """300 trees on the bands: the shown pixels against as many as ten times more of the rest of the site."""
    _, mask = examples_of(root, shown_at, work)
    rng, rest = np.random.default_rng(0), np.flatnonzero(~mask)
    rest = rng.permutation(rest)[: 10 * mask.sum()]
    table_ = shown_at["bands"].reshape(24, -1).T
    rows = np.concatenate([table_[mask.ravel()], table_[rest]])
    targets = np.r_[np.ones(mask.sum()), np.zeros(len(rest))]
    model = RandomForestClassifier(300, class_weight="balanced", n_jobs=2, random_state=0).fit(rows, targets)
    score = model.predict_proba(site["bands"].reshape(24, -1).T)[:, 1].reshape(site["damage"].shape)
    return measures(score, score >= 0.5, site)


RUNS: dict[str, Callable[..., dict[str, float]]] = dict(
    zip(METHODS, (by_handful, by_similarity, by_forest), strict=True)
)


def forest_part(count: int, others: int, work: Path, scores: Scores) -> list[str]:
    """The table of the part; a site's mean over the sites that it was looked for at is one value."""
    root = data("forest-damage")
    with open(root / "sites.csv", newline="", encoding="utf-8") as file:
        groups = {row["id"]: row["region12"] for row in csv.DictReader(file)}
    rng, names = np.random.default_rng(0), sorted(groups)
    found: dict[str, dict[str, list[float]]] = {m: {"iou": [], "precision": []} for m in METHODS}
    used = 0
    for name in rng.permutation(names).tolist():
        shown_at = read(root, name)
        if used == count or shown_at["damage"].sum() < LEAST_PIXELS:
            continue
        used += 1
        far = [n for n in rng.permutation(names).tolist() if groups[n] != groups[name]]
        sites = [site for n in far[: 3 * others] if (site := read(root, n))["damage"].sum() >= LEAST_PIXELS][:others]
        for method in METHODS:
            rows = [
                scores.score({"part": "forest", "method": method, "shown": name, "site": site["name"]},
                             lambda m=method, s=site, a=shown_at: RUNS[m](root, a, s, work))  # type: ignore[misc]
                for site in sites
            ]  # fmt: skip
            for what in ("iou", "precision"):
                found[method][what].append(float(np.mean([float(row[what]) for row in rows])))
        print(f"forest {used} of {count}", {m: found[m]["iou"][-1] for m in METHODS}, flush=True)
    body = [[m, shown(found[m]["iou"]), shown(found[m]["precision"])] for m in METHODS]
    said = (
        f"The up to {SHOWN} largest damaged polygons of one of {used} sites are shown; damage is looked for at up to "
        f"{others} sites of other groups. Pixels that are neither forest nor damaged are not judged. Mean over shown "
        "sites, ± is half of the 95 % interval over them. Thresholds are fixed before: a score of .5 for handful, half "
        "of what is typical of the examples for the similarity of pixels, one half for the forest, which also sees the "
        "rest of the shown site."
    )
    return [f"## Forest damage at other sites\n\n{said}", table(["", "IoU", "precision at recall .5"], body)]

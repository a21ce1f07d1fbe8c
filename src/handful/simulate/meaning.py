"""What a class means: each region has names of its own for what lies on its land."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from ..problem import UNLABELLED
from .land import CODE, CROPS, USES, Land

STATES = ("bare", "green", "ripe")
# The classes that every region shares, for learners that pretrain on pooled regions: uses, then crops by state.
BASE_CLASSES: tuple[str, ...] = (*USES, *(f"crops {state}" for state in STATES))
FEWEST = 60  # labelled pixels that a class must have
MOST = 9  # classes of a region

_PRODUCT = {
    "water": "water", "trees": "broadleaf conifer damaged", "flooded vegetation": "wetland", "crops": "crops orchard",
    "built": "built road", "bare": "bare", "snow": "snow", "rangeland": "grass shrub burnt",
}  # fmt: skip
_WORLD_COVER = {
    "tree cover": "broadleaf conifer orchard", "shrubland": "shrub damaged", "grassland": "grass", "cropland": "crops",
    "built-up": "built road", "bare": "bare burnt", "snow and ice": "snow", "water": "water", "wetland": "wetland",
}  # fmt: skip
_COARSE = {
    "water": "water wetland snow", "forest": "broadleaf conifer damaged orchard", "farmland": "crops grass",
    "other": "built road bare shrub burnt",
}  # fmt: skip
_FOREST = {
    "broadleaf": "broadleaf", "conifer": "conifer", "damaged": "damaged burnt", "shrub": "shrub",
    "open": "grass crops orchard", "other": "water wetland built road bare snow",
}  # fmt: skip
_HABITAT = {
    "grass": "grass", "shrub": "shrub", "wetland": "wetland", "water": "water", "broadleaf": "broadleaf",
    "conifer": "conifer", "bare": "bare", "burnt": "burnt", "road": "road", "orchard": "orchard", "built": "built",
}  # fmt: skip
_DAMAGE = {"damaged": "damaged burnt", "healthy": "broadleaf conifer"}
SCHEMES = (_PRODUCT, _WORLD_COVER, _COARSE, _FOREST, _HABITAT, _DAMAGE)
_WEIGHTS = (0.4, 0.16, 0.08, 0.12, 0.16, 0.08)


def _legend(land: Land, rng: np.random.Generator) -> tuple[list[str], np.ndarray, bool]:
    """Class names, the class of each code, and whether classes follow land use rather than cover.

    Codes are the uses, then 12 crops (kind + 4 x state); -1 is unlabelled.
    """
    which = int(rng.choice(len(SCHEMES), p=_WEIGHTS))
    if which == len(SCHEMES) - 1 and (land.cover == CODE["damaged"]).mean() < 0.02:
        which = 0
    names = list(SCHEMES[which])
    of_code = np.full(len(USES) + CROPS * len(STATES), -1)
    for index, uses in enumerate(SCHEMES[which].values()):
        of_code[[CODE[use] for use in uses.split()]] = index
    crops = of_code[CODE["crops"]]
    of_code[len(USES) :] = crops
    if crops >= 0 and which != 2 and (split := rng.random()) < 0.35:
        by_kind = np.tile(np.arange(CROPS), len(STATES)) if split < 0.2 else np.repeat(np.arange(len(STATES)), CROPS)
        of_code[len(USES) :] = len(names) + by_kind
        names += [f"crop {letter}" for letter in "abcd"] if split < 0.2 else [f"{state} field" for state in STATES]
    return names, of_code, which < 2 or rng.random() < 0.2


def labels(
    land: Land, rng: np.random.Generator, *, coarse: int, noise: float
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Targets (rows, columns), class names, and base classes (rows, columns), indices into BASE_CLASSES.

    coarse  side of the blocks that share one label, in pixels; 1 for none
    noise   share of labelled patches that are given another class
    """
    names, of_code, by_use = _legend(land, rng)
    codes = land.use if by_use else land.cover
    crop = land.detail >= 0
    codes = np.where((codes == CODE["crops"]) & crop, len(USES) + land.detail, codes)
    fine = of_code[codes]
    base = np.where(codes >= len(USES), len(USES) + (codes - len(USES)) // CROPS, codes)
    if by_use:
        fine = _generalised(fine, land, rng)
    smooth = 10 ** rng.uniform(-0.3, 0.7) if by_use else rng.choice([0.0, 0.3, 1.0])
    targets = _majority(fine, len(names), land.side, smooth, rng.uniform(0, 0.55), coarse)
    if noise > 0:
        targets = _mistaken(targets, len(names), rng, noise)
    targets, kept = _drop_rare(targets, names)
    return targets, kept, _majority(base, len(BASE_CLASSES), land.side, 0.0, 0.0, 1)


def _generalised(fine: np.ndarray, land: Land, rng: np.random.Generator) -> np.ndarray:
    """A coarse product errs by patches, not pixels: in some of them two of its classes (not water) are one."""
    classes = np.unique(fine[(fine > 0)])
    for start in range(int(rng.choice([0, 1, 2, 3])) if len(classes) > 1 else 0):
        seen, told = rng.choice(classes, 2, replace=False)
        ground = (land.wide, land.middle, land.height)[start % 3]
        fine = np.where((fine == seen) & (ground > rng.uniform(0.5, 2.0)), told, fine)
    return fine


def _majority(codes: np.ndarray, count: int, side: int, smooth: float, sure: float, coarse: int) -> np.ndarray:
    """The class with the largest share of each pixel, shares blurred by `smooth` pixels; unlabelled below `sure`."""
    finer = len(codes) // side
    cell = np.arange(side * side).reshape(side, side).repeat(finer, 0).repeat(finer, 1)
    flat = (cell * (count + 1) + codes + 1).ravel()  # 0 stands for unlabelled
    shares = np.bincount(flat, minlength=side * side * (count + 1)).reshape(side, side, count + 1).astype(np.float32)
    shares /= finer * finer
    if smooth:
        present = np.flatnonzero(shares.any((0, 1)))
        shares[..., present] = np.stack([gaussian_filter(shares[..., k], smooth, truncate=2.5) for k in present], -1)
    best, top = shares.argmax(-1) - 1, shares.max(-1)
    if coarse > 1:
        middle = np.minimum(np.arange(side) // coarse * coarse + coarse // 2, side - 1)
        best, top = best[np.ix_(middle, middle)], top[np.ix_(middle, middle)]
    return np.where((best < 0) | (top < sure), UNLABELLED, best)


def _mistaken(targets: np.ndarray, count: int, rng: np.random.Generator, noise: float) -> np.ndarray:
    """Half of the mistakes in single pixels, half in blocks of 6 x 6, a label drawn from all classes."""
    side = len(targets)
    blocks = rng.random((side // 6 + 1, side // 6 + 1)).repeat(6, 0).repeat(6, 1)[:side, :side] < noise / 2
    wrong = (blocks | (rng.random(targets.shape) < noise / 2)) & (targets >= 0)
    return np.where(wrong, rng.integers(count, size=targets.shape), targets)


def _drop_rare(targets: np.ndarray, names: list[str]) -> tuple[np.ndarray, list[str]]:
    """Classes with fewer than FEWEST pixels, or beyond the MOST largest, are unlabelled; the rest are numbered anew."""
    counts = np.bincount(targets[targets >= 0], minlength=len(names))
    kept = np.flatnonzero(counts >= max(FEWEST, np.sort(counts)[-MOST:][0]))
    renumber = np.full(len(names), UNLABELLED)
    renumber[kept] = np.arange(len(kept))
    return np.where(targets < 0, UNLABELLED, renumber[targets.clip(0)]).astype(np.int64), [names[k] for k in kept]

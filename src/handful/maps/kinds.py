"""What a raster beside the scene holds: another optical date, radar (dB or linear), codes of land cover, numbers."""

from __future__ import annotations

import re

import numpy as np

from ..errors import SceneError
from .naming import Named
from .raster import Raster

KINDS = ("optical", "radar", "db", "linear", "codes", "numbers")  # what NAME:KIND=FILE may say
BY_NAME = {
    "radar": ("radar", "sar", "s1", "sentinel1", "sentinel-1", "palsar", "backscatter"),
    "codes": ("landcover", "land-cover", "land_cover", "lulc", "cover", "worldcover", "corine"),
    "numbers": ("dem", "dtm", "dsm", "elevation", "height", "slope", "temperature", "rain"),
}
RADAR = re.compile(r"(?i)(^|[^a-z0-9])(s1[abc]?|s1rtc|rtc|sar|sentinel-?_?1|palsar)([^a-z0-9]|$)")
POLARISED = re.compile(r"(?i)^(vv|vh|hh|hv)\b")
COVER = re.compile(r"(?i)(lulc|land_?-?cover|worldcover|corine|(^|[^a-z])clc)")
WORLDCOVER = {10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100}
MOST_CODES = 64  # classes of a land-cover product
BRIGHT = 30.0  # linear backscatter that the brightest 2 % of a place lie below
DARKEST_DB = -50.0  # what is darker in linear radar is taken for this


def kind_of(name: str, raster: Raster, named: Named, sample: np.ndarray) -> str:
    """optical, radar, codes or numbers: by the name that it was given, then by metadata, file name and values."""
    by_name = next((kind for kind, names in BY_NAME.items() if name.lower() in names), None)
    if by_name is not None:
        return by_name
    file = raster.path.name if raster.path else raster.name
    texts = [text or "" for text in raster.descriptions]
    if any(POLARISED.match(text.strip()) for text in texts) or RADAR.search(file) or RADAR.search(told(raster)):
        return "radar"
    if codes_likely(raster, file, sample):
        return "codes"
    return "optical" if np.isfinite(named.wavelengths).any() else "numbers"


def told(raster: Raster) -> str:
    return " ".join(raster.tags.values())


def codes_likely(raster: Raster, file: str, sample: np.ndarray) -> bool:
    """Whether one band of whole numbers looks like a land-cover product."""
    if sample.shape[1] != 1 or np.dtype(raster.dtypes[0]).kind not in "iu":
        return False
    seen = set(np.unique(sample).astype(int).tolist())
    if len(seen) > MOST_CODES:
        return False
    return bool(COVER.search(file)) or raster.palette is not None or (len(seen) > 1 and seen <= WORLDCOVER)


def check_codes(name: str, sample: np.ndarray) -> None:
    """Raise SceneError where what should be codes are none."""
    values = np.unique(sample)
    whole = bool((values == np.round(values)).all())
    if sample.shape[1] == 1 and whole and len(values) <= MOST_CODES:
        return
    what = f"{sample.shape[1]} bands" if sample.shape[1] > 1 else f"{len(values):,} different values"
    what = what if whole else "fractions"
    raise SceneError(
        f"--with {name}: a land-cover product has one band of at most {MOST_CODES} codes, and this has {what}. "
        f"Say {name}:numbers=FILE if it holds measurements."
    )


def in_decibels(name: str, raster: Raster, sample: np.ndarray) -> tuple[bool, str]:
    """Whether radar is stored in dB, not linear, and why: by metadata, else by its values.

    Raises SceneError where its bands differ, or are neither.
    """
    words = " ".join([told(raster), *(text or "" for text in raster.descriptions)])
    words += " ".join(value for tags in raster.band_tags for value in tags.values())
    if re.search(r"(?i)(^|[^a-z])(db|decibels?)([^a-z]|$)", words):
        return True, "says its metadata"
    if re.search(r"(?i)(^|[^a-z])(linear|power)([^a-z]|$)", words):
        return False, "says its metadata"
    found = [decibel_values(band) for band in sample.T]
    low, high = sample.min(), sample.max()
    if len(set(found)) == 1 and found[0] is not None:
        return found[0], f"its values go from {low:.3g} to {high:.3g}"
    why = "its bands differ" if len(set(found)) > 1 else f"its values go from {low:.3g} to {high:.3g}"
    raise SceneError(
        f"--with {name}: nobody can tell whether this radar is in dB or linear ({why}). "
        f"Say {name}:db=FILE or {name}:linear=FILE, or {name}:numbers=FILE to take it as it is."
    )


def decibel_values(band: np.ndarray) -> bool | None:
    """Whether values (m,) are dB; None where they are neither that nor linear backscatter."""
    if np.median(band) < 0:
        return True
    return False if band.min() >= 0 and np.percentile(band, 98) <= BRIGHT else None


def to_decibels(values: np.ndarray) -> np.ndarray:
    """Linear backscatter in dB, NaN kept."""
    return (10 * np.log10(np.maximum(values, 10 ** (DARKEST_DB / 10)))).astype(np.float32)

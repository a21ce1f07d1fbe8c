"""From stored numbers to reflectance: told by the user, read from metadata, or judged from the scene's dark pixels."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import SettingsError, did_you_mean
from .raster import Raster

KNOWN: dict[str, tuple[float, float]] = {
    "s2": (1e-4, 0.0),
    "s2-offset": (1e-4, -0.1),  # (DN - 1000) / 10000, from processing baseline 04.00
    "landsat": (2.75e-5, -0.2),  # Collection 2 Level 2
    "none": (1.0, 0.0),
}
DARK, BRIGHT = 0.5, 98.0  # percentiles
OFFSET_FROM = 900.0  # DN: where every band's darkest pixels are above, the offset of 1,000 is still in
LANDSAT_FROM = 5000.0  # DN: reflectance 0 is 7,273 in Landsat Collection 2
REFLECTANCE = 2.5  # values up to this are reflectance already
LEAST, MOST = 100.0, 40_000.0  # DN: what the brightest band of reflectance x 10,000 lies between
OVERRIDE = "override with --radiometry s2|s2-offset|landsat|none|SCALE,OFFSET"


@dataclass(frozen=True)
class Radiometry:
    """reflectance = stored * scale + offset, for the bands of one raster whose wavelength is known.

    assumed  whether it was judged, neither told nor read from metadata
    why      a sentence
    """

    name: str
    scale: float
    offset: float
    assumed: bool
    why: str

    def record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def known(cls, name: str, assumed: bool, why: str) -> Radiometry:
        return cls(name, *KNOWN[name], assumed, why)


def given(text: str) -> Radiometry:
    """From --radiometry. Raises SettingsError for what is neither a known name nor SCALE,OFFSET."""
    name = text.strip().lower()
    if name in KNOWN:
        return Radiometry.known(name, False, f"as told by --radiometry {name}")
    try:
        scale, offset = (float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(
            f"--radiometry {text}: not a name, nor two numbers. {did_you_mean(name, list(KNOWN))} Or give SCALE,OFFSET "
            "as two numbers, such as 0.0001,-0.1."
        ) from None
    if not (math.isfinite(scale) and math.isfinite(offset)) or scale == 0:
        raise SettingsError(f"--radiometry {text}: the scale must be a finite number other than 0, the offset finite.")
    return Radiometry("custom", scale, offset, False, f"as told by --radiometry {text}")


def from_metadata(raster: Raster, sensor: str | None) -> Radiometry | None:
    """What the file itself says of its radiometry; None where it says nothing."""
    if any(scale != 1 for scale in raster.scales) or any(raster.offsets):
        first = next((i for i, scale in enumerate(raster.scales) if scale != 1 or raster.offsets[i]), 0)
        return Radiometry("file", raster.scales[first], raster.offsets[first], False, "scale and offset of the file")
    if not _whole_numbers(raster):
        return None
    return _sentinel_2(raster.tags) or _landsat(raster, sensor)


def _whole_numbers(raster: Raster) -> bool:
    return all(np.dtype(kind).kind in "iu" and np.dtype(kind).itemsize > 1 for kind in raster.dtypes)


def _sentinel_2(tags: dict[str, str]) -> Radiometry | None:
    """By processing baseline or the offset itself, never by date; harmonised copies have no offset."""
    text = " ".join([*tags, *tags.values()]).lower()
    if "s2_sr_harmonized" in text or "s2_harmonized" in text:
        return Radiometry.known("s2", False, "a harmonised copy, says its metadata")
    applied = _tag(tags, r"boa_offset_applied$").lower()
    if applied in ("true", "1", "yes"):
        return Radiometry.known("s2", False, "its offset was applied already, says its metadata")
    added = _tag(tags, r"(boa|radio)_add_offset")
    if added.replace(".0", "") in ("-1000", "0"):
        return Radiometry.known(
            "s2" if added[0] == "0" else "s2-offset", False, f"an offset of {added} in its metadata"
        )
    baseline = re.fullmatch(r"[nN]?0?(\d{1,2})\.?(\d{2})", _tag(tags, r"processing_baseline$").strip())
    if not baseline:
        return None
    shown = f"{int(baseline.group(1)):02d}.{baseline.group(2)}"
    name = "s2-offset" if shown >= "04.00" else "s2"
    return Radiometry.known(name, False, f"processing baseline {shown} in its metadata")


def _landsat(raster: Raster, sensor: str | None) -> Radiometry | None:
    if not (sensor or "").startswith("landsat"):
        return None
    scale, offset = (_tag(raster.tags, rf"reflectance_{kind}_band_\d+$") for kind in ("mult", "add"))
    if scale and offset:
        try:
            return Radiometry("file", float(scale), float(offset), False, "reflectance factors in its metadata")
        except ValueError:
            return None
    told = [*raster.tags.values(), *(text or "" for text in raster.descriptions)]
    told.append(raster.path.name if raster.path else "")
    if any(re.search(r"(?i)(^|[^a-z])(sr_b\d|l2s[pr])", text) for text in told):
        return Radiometry.known("landsat", False, "Landsat Collection 2 Level 2, say its names")
    return None


def _tag(tags: dict[str, str], pattern: str) -> str:
    return next((value for key, value in tags.items() if re.search(pattern, key)), "")


def judge(sample: np.ndarray, kind: str, sensor: str | None) -> Radiometry:
    """From stored values of valid pixels (m, bands) in the bands of known wavelength; `kind` is their type."""
    if np.dtype(kind).itemsize == 1:
        return Radiometry.known("none", True, "8-bit values are shades, not reflectance")
    dark = float(np.percentile(sample, DARK, axis=0).min())
    bright = float(np.percentile(sample, BRIGHT, axis=0).max())
    if bright <= REFLECTANCE:
        return Radiometry.known("none", True, f"values up to {bright:.3g} are reflectance already")
    if not LEAST <= bright <= MOST and not (sensor or "").startswith("landsat"):
        return Radiometry.known("none", True, f"values up to {bright:.4g} are no reflectance times 10,000")
    lies = f"the darkest band's darkest pixels lie at {dark:,.0f}"
    if (sensor or "").startswith("landsat") and dark >= LANDSAT_FROM:
        return Radiometry.known("landsat", True, f"{lies}, as in Landsat Collection 2")
    if sensor in (None, "sentinel-2") and dark >= OFFSET_FROM:
        return Radiometry.known("s2-offset", True, f"{lies}, so the offset of 1,000 is still in")
    return Radiometry.known("s2", True, f"{lies}, so there is no offset in reflectance times 10,000")

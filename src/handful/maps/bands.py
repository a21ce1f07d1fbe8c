"""Bands have names: the catalogue of sensors, and what a band's name says of its wavelength."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ..errors import SettingsError, did_you_mean
from ..simulate.sensors import SENSORS

NAN = math.nan
SKIP = "-"


@dataclass(frozen=True)
class Band:
    """A band of a scene.

    raster      which of the scene's rasters, from 0
    index       which band of that raster, from 1
    wavelength  of its centre in nm; NaN where it is unknown or means nothing (elevation, radar)
    date        0 for the first date: a raster that shows a wavelength again is of another date
    """

    raster: int
    index: int
    name: str
    wavelength: float
    date: int


def _centres(key: str) -> dict[str, float]:
    return dict(zip(SENSORS[key].bands, SENSORS[key].centres, strict=True))


# Centres (nm) by sensor and band name. The cirrus band of Landsat 8-9 is not among the simulated ones.
CATALOGUE: dict[str, dict[str, float]] = {
    "sentinel-2": _centres("sentinel-2-13"),
    "landsat-8-9": _centres("landsat-8-9") | {"B9": 1373.0},
    "landsat-4-5-7": _centres("landsat-5-7"),
    "planetscope-4": _centres("planetscope-4"),
    "planetscope-8": _centres("planetscope-8"),
}
SAME = {
    **{name: "sentinel-2" for name in ("s2", "sentinel2", "sentinel-2a", "sentinel-2b", "sentinel-2c", "msi")},
    **{name: "landsat-8-9" for name in ("landsat-8", "landsat-9", "landsat8", "landsat9", "l8", "l9", "oli")},
    **{name: "landsat-4-5-7" for name in ("landsat-4", "landsat-5", "landsat-7", "landsat-5-7", "landsat-4-5")},
    **{name: "landsat-4-5-7" for name in ("landsat4", "landsat5", "landsat7", "l4", "l5", "l7", "tm", "etm")},
}
KNOWN_SENSORS = (
    *("sentinel-2", "landsat-4", "landsat-5", "landsat-7", "landsat-8", "landsat-9"),
    *("planetscope-4", "planetscope-8"),
)
# Centres (nm) of the common names of STAC's eo extension, for a sensor that is unknown.
COMMON: dict[str, float] = {
    **{"coastal": 443.0, "blue": 485.0, "green": 560.0, "yellow": 610.0, "red": 660.0},
    **{"rededge": 720.0, "rededge071": 705.0, "rededge075": 740.0, "rededge078": 783.0},
    **{"nir": 840.0, "nir08": 865.0, "nir09": 945.0, "cirrus": 1375.0, "swir16": 1610.0, "swir22": 2200.0},
}
WORDS = {
    **{"coastalaerosol": "coastal", "coastalblue": "coastal", "aerosol": "coastal", "aerosols": "coastal"},
    **{"nearinfrared": "nir", "nearir": "nir", "infrared": "nir", "nir1": "nir", "narrownir": "nir08"},
    **{"nirnarrow": "nir08", "nir2": "nir08", "watervapour": "nir09", "watervapor": "nir09"},
    **{"rededge1": "rededge071", "rededge2": "rededge075", "rededge3": "rededge078", "vegetationrededge": "rededge"},
    **{"re1": "rededge071", "re2": "rededge075", "re3": "rededge078"},
    **{"swir1": "swir16", "swir2": "swir22", "greenii": "green", "re": "rededge"},
}  # other words for them
# Which band of a sensor a common name means.
MEANS: dict[str, dict[str, str]] = {
    "sentinel-2": dict(
        coastal="B01", blue="B02", green="B03", red="B04", rededge071="B05", rededge075="B06", rededge078="B07",
        rededge="B05", nir="B08", nir08="B8A", nir09="B09", cirrus="B10", swir16="B11", swir22="B12",
    ),
    "landsat-8-9": dict(
        coastal="B1", blue="B2", green="B3", red="B4", nir="B5", nir08="B5", swir16="B6", swir22="B7", cirrus="B9"
    ),
    "landsat-4-5-7": dict(blue="B1", green="B2", red="B3", nir="B4", nir08="B4", swir16="B5", swir22="B7"),
    "planetscope-4": dict(blue="blue", green="green", red="red", nir="nir"),
    "planetscope-8": dict(
        coastal="coastal", blue="blue", green="green", yellow="yellow", red="red", rededge="red_edge",
        rededge071="red_edge", nir="nir", nir08="nir", greeni="green_i",
    ),
}  # fmt: skip
NUMBERED = re.compile(r"(sr_|toa_)?b(?:and)?[ _-]?(\d{1,2}a?)", re.IGNORECASE)
IN_WORDS = re.compile(r"(\d+(?:\.\d+)?)\s*(nm|nanomet|um\b|µm|μm|micromet)", re.IGNORECASE)
SHORTEST, LONGEST = 350.0, 2600.0  # nm; beyond, a wavelength (thermal) means nothing to the encoders


def sensor_key(name: str) -> str:
    """The catalogue's key of a sensor. Raises SettingsError for an unknown one."""
    key = re.sub(r"[ _]+", "-", name.strip().lower())
    key = SAME.get(key, key)
    if key not in CATALOGUE:
        raise SettingsError(
            f"--sensor {name}: no such sensor. {did_you_mean(name, KNOWN_SENSORS)} Known: {', '.join(KNOWN_SENSORS)}."
        )
    return key


def in_nm(value: float, unit: str = "") -> float:
    """A wavelength in nm; without a unit, up to 30 is taken for micrometres. NaN outside 350-2600 nm."""
    small = unit.lower()[:2] in ("um", "µm", "μm", "mi") or (not unit and value < 30)
    nm = value * 1000 if small else value
    return nm if SHORTEST <= nm <= LONGEST else NAN


def common_name(text: str) -> str | None:
    """The common name that a text is: "Red Edge 1" -> "rededge071"; None where it is none.

    >>> common_name("NIR"), common_name("swir_1"), common_name("elevation")
    ('nir', 'swir16', None)
    """
    plain = re.sub(r"[^a-z0-9]", "", re.sub(r"\(.*?\)", "", text.lower()))
    plain = re.sub(r"^sr(?=[a-z])|band$|reflectance$", "", plain) or plain
    plain = WORDS.get(plain, plain)
    return plain if plain in COMMON else None


def band_of(text: str, sensor: str) -> str | None:
    """The sensor's band that a text means: its name, its number ("Band 4", "SR_B4", "B2_median"), or a common name."""
    names = CATALOGUE[sensor]
    plain = re.sub(r"[ -]+", "_", text.strip().lower())
    for name in names:
        if plain == name.lower():
            return name
    for match in _numbers(text):
        number = match.group(2).upper().lstrip("0")
        if match.group(1) and not sensor.startswith("landsat"):
            continue
        for name in (f"B{number}", f"B0{number}"):
            if name in names:
                return name
    common = common_name(text)
    return MEANS[sensor].get(common) if common else None


def _numbers(text: str) -> list[re.Match[str]]:
    """Numbered band names in a text: alone, or between underscores and the like. Landsat's ST_B10 is a temperature."""
    if re.match(r"(?i)st_b", text):
        return []
    whole = NUMBERED.fullmatch(text.strip())
    if whole:
        return [whole]
    bounded = rf"(?:^|(?<=[^a-z0-9])){NUMBERED.pattern}(?=$|[^a-z0-9])"
    return list(re.finditer(bounded, text.lower()))[:1]


def is_numbered(text: str) -> bool:
    """Whether a text names a band by a number, which says nothing without the sensor."""
    return bool(_numbers(text))


@cache
def owners(text: str) -> frozenset[str]:
    """The sensors to which a band name belongs, as they write it: two digits (B08) and B8A are Sentinel-2's."""
    found = _numbers(text)
    if not found:
        return frozenset()
    prefix, number = found[0].group(1), found[0].group(2).upper()
    if prefix and prefix.lower() == "sr_":
        keys = [key for key in CATALOGUE if key.startswith("landsat")]
    else:
        keys = [key for key in CATALOGUE if not key.startswith("planetscope")]
    if number.endswith("A") or number.startswith("0"):
        keys = ["sentinel-2"]
    return frozenset(key for key in keys if band_of(text, key))


def sensor_of_names(texts: Sequence[str]) -> str | None:
    """The one sensor that has all numbered names of a file and to which one of them is unique; else None.

    >>> sensor_of_names(["B4", "B8", "B8A"]), sensor_of_names(["B3", "B4"])
    ('sentinel-2', None)
    """
    numbered = [text for text in texts if is_numbered(text)]
    found = [owners(text) for text in numbered]
    if not found:
        return None
    common = frozenset.intersection(*found)
    return next(iter(common)) if len(common) == 1 and any(len(own) == 1 for own in found) else None


def check_name(name: str, sensor: str) -> None:
    """Raise SettingsError where a name was surely meant to be a band of the sensor, and is none."""
    known = list(CATALOGUE[sensor])
    near = difflib.get_close_matches(name.lower(), [k.lower() for k in known] + list(COMMON), n=1, cutoff=0.7)
    if is_numbered(name) or near:
        raise SettingsError(
            f"--bands: {sensor} has no band '{name}'. {did_you_mean(name, [*known, *MEANS[sensor]])} "
            f"Its bands: {', '.join(known)}; '{SKIP}' skips a band."
        )

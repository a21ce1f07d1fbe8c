"""Which band of a file is which: from --bands, metadata, descriptions, the file's name, or its number of bands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from ..errors import SettingsError
from .bands import (
    CATALOGUE,
    COMMON,
    IN_WORDS,
    KNOWN_SENSORS,
    NAN,
    SKIP,
    band_of,
    check_name,
    common_name,
    in_nm,
    is_numbered,
    owners,
    sensor_of_names,
)
from .raster import Raster

S2_L2A = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
UNNAMED = {
    10: ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"),
    12: S2_L2A,
    13: (*S2_L2A[:10], "B10", *S2_L2A[10:]),
}  # what so many unnamed 16-bit bands are taken for
SENSOR_WORDS: tuple[tuple[str, str], ...] = (
    (
        r"sentinel-?_? ?2|\bs2[abc]?_|\bs2l[12]|_msil[12][ac]|s2_sr|s2msi|(?:^|_)t\d{2}[a-z]{3}_\d{8}t\d{6}",
        "sentinel-2",
    ),
    (r"landsat[ _-]?0?[89]|\bl[cot]0[89]_|operational land imager", "landsat-8-9"),
    (r"landsat[ _-]?0?[457]|\bl[te]0[457]_", "landsat-4-5-7"),
    (r"analyticms_sr_8b|analyticms_8b|planetscope-8", "planetscope-8"),
    (r"analyticms|planetscope-4", "planetscope-4"),
)
UNKNOWN = "their order, since the file doesn't name them: they are used as plain bands (name them with --bands)"
TELLING: tuple[str, ...] = (
    "platform",
    "constellation",
    "satellite",
    "spacecraft",
    "product",
    "sensor",
    "instrument",
    "imagedescription",
)
TELLING += ("collection", "mission", "system:id", "scene_id", "datatake", "source")


@dataclass(frozen=True)
class Named:
    """What the bands of one raster are.

    names        (features,) one a band that isn't alpha; "-" for a band that is skipped
    wavelengths  (features,) nm, NaN where unknown
    how          where the names come from, in words
    sensor       the catalogue's key, where it is known
    assumed      whether the names were guessed
    """

    names: tuple[str, ...]
    wavelengths: tuple[float, ...]
    how: str
    sensor: str | None = None
    assumed: bool = False


def name_bands(raster: Raster, given: str | Sequence[str] | None, sensor: str | None) -> Named:
    """Names and wavelengths of a raster's bands; `sensor` is the catalogue's key from --sensor.

    Raises SettingsError for names that don't fit.
    """
    if given is not None:
        return _given(raster, given, sensor)
    sensor = sensor or sensor_of(raster)
    texts = _texts(raster)
    sensor_here = sensor or sensor_of_names([text for text in texts if text])
    if raster.palette is not None:
        return Named(("red", "green", "blue"), (NAN,) * 3, "the colours of its palette")
    found = [_metadata(raster, index, sensor_here) for index in raster.features]
    how = "its metadata" if any(found) else "their descriptions"
    pairs = [own or _described(text, sensor_here) for own, text in zip(found, texts, strict=True)]
    if any(pair and not isnan(pair[1]) for pair in pairs):
        return _named(pairs, texts, f"{how}{_as(sensor_here)}", sensor_here)
    if len(pairs) == 1 and not texts[0]:
        return _from_file_name(raster, sensor)
    if not any(texts):
        return _unnamed(raster, sensor)
    return _named(pairs, texts, how, sensor_here)


def _as(sensor: str | None) -> str:
    return f" (as {sensor})" if sensor else ""


def _named(pairs: Sequence[tuple[str, float] | None], texts: Sequence[str], how: str, sensor: str | None) -> Named:
    filled = [pair or (text or f"band {i}", NAN) for i, (pair, text) in enumerate(zip(pairs, texts, strict=True), 1)]
    return Named(tuple(name for name, _ in filled), tuple(wave for _, wave in filled), how, sensor)


def _texts(raster: Raster) -> list[str]:
    """What the file calls its bands; empty where it doesn't."""
    texts = []
    for index in raster.features:
        tags = raster.band_tags[index - 1]
        text = raster.descriptions[index - 1] or tags.get("bandname") or tags.get("name") or ""
        texts.append("" if re.fullmatch(r"(?i)(band[ _-]?\d+|layer[ _-]?\d+|\d+)?", text.strip()) else text.strip())
    return texts


def _metadata(raster: Raster, index: int, sensor: str | None) -> tuple[str, float] | None:
    """Name and wavelength from a band's STAC common name, else from its wavelength; None without either."""
    tags, text = raster.band_tags[index - 1], raster.descriptions[index - 1] or ""
    for key in ("common_name", "eo:common_name"):
        common = common_name(tags.get(key, ""))
        if common:
            return text or common, _common_wave(common, sensor)
    wave = _tag_wave(tags, raster.tags)
    found = IN_WORDS.search(text)
    if isnan(wave) and found:
        wave = in_nm(float(found.group(1)), found.group(2))
    if isnan(wave):
        return None
    return re.split(r"[,(]", text)[0].strip() or f"{wave:.0f} nm", wave


def _tag_wave(tags: dict[str, str], whole: dict[str, str]) -> float:
    """A band's wavelength from its metadata in nm, else NaN."""
    units = tags.get("wavelength_units") or whole.get("wavelength_units") or ""
    for key in ("wavelength", "central_wavelength", "center_wavelength", "eo:center_wavelength"):
        if key in tags:
            return _number(tags[key], "um" if key.startswith("eo:") else units)
    return _number(tags.get("central_wavelength_um", ""), "um")


def _number(text: str, unit: str) -> float:
    try:
        return in_nm(float(text.split()[0]), unit)
    except (ValueError, IndexError):
        return NAN


def _common_wave(common: str, sensor: str | None) -> float:
    band = band_of(common, sensor) if sensor else None
    return CATALOGUE[sensor][band] if sensor and band else COMMON[common]


def _described(text: str, sensor: str | None) -> tuple[str, float] | None:
    """Name and wavelength that a description or a name means; None where it means none."""
    if not text:
        return None
    band = band_of(text, sensor) if sensor else None
    if sensor and band:
        return (text if re.fullmatch(r"\w+", text) else band), CATALOGUE[sensor][band]
    common = common_name(text)
    return (text, COMMON[common]) if common else None


def sensor_of(raster: Raster) -> str | None:
    """The sensor that a file's metadata or name tells, else None."""
    told = [value for key, value in raster.tags.items() if any(word in key for word in TELLING)]
    for text in [*told, raster.path.name if raster.path else ""]:
        for pattern, sensor in SENSOR_WORDS:
            if re.search(pattern, text.lower()):
                return sensor
    return None


def _from_file_name(raster: Raster, sensor: str | None) -> Named:
    """The one band of a file such as T32UPU_20200101T101010_B02_10m.jp2 or nir.tif."""
    stem = raster.path.stem if raster.path else "band 1"
    for token in re.split(r"[_. ]", stem):
        joined = f"SR_{token}" if f"SR_{token}".lower() in stem.lower() else token
        own = owners(joined) if is_numbered(joined) else frozenset()
        here = sensor or (next(iter(own)) if len(own) == 1 else None)
        pair = _described(joined, here) if is_numbered(joined) and here else None
        if pair:
            return Named((pair[0],), (pair[1],), f"its file name{_as(here)}", here)
    common = common_name(stem)
    wave = _common_wave(common, sensor) if common else NAN
    return Named((stem,), (wave,), "its file name", sensor)


def _unnamed(raster: Raster, sensor: str | None) -> Named:
    """Bands without any name: a known number of 16-bit bands is taken for Sentinel-2's, the rest is plain."""
    count = len(raster.features)
    kinds = {raster.dtypes[index - 1] for index in raster.features}
    if sensor in (None, "sentinel-2") and count in UNNAMED and kinds <= {"uint16", "int16"}:
        names = UNNAMED[count]
        waves = tuple(CATALOGUE["sentinel-2"][name] for name in names)
        return Named(
            names, waves, f"their number: {count} unnamed 16-bit bands are taken for Sentinel-2's", "sentinel-2", True
        )
    if sensor and count == len(CATALOGUE[sensor]) - (sensor == "landsat-8-9"):
        bands = dict(list(CATALOGUE[sensor].items())[:count])
        return Named(tuple(bands), tuple(bands.values()), f"{sensor}'s bands in their order", sensor, True)
    names = tuple(f"band {index}" for index in raster.features)
    return Named(names, (NAN,) * count, UNKNOWN, sensor)


def _given(raster: Raster, given: str | Sequence[str], sensor: str | None) -> Named:
    """Names from --bands."""
    names = [name.strip() for name in (given.split(",") if isinstance(given, str) else given)]
    names = _fitting(raster, names)
    kept = [name for name in names if name != SKIP]
    if not kept or "" in names:
        raise SettingsError(f"--bands {','.join(names)}: name at least one band, and every one ('{SKIP}' skips one).")
    if sensor:
        for name in kept:
            if isnan(_given_wave(name, sensor)):
                check_name(name, sensor)
    sensor = sensor or sensor_of(raster) or sensor_of_names(kept)
    waves = [NAN if name == SKIP else _given_wave(name, sensor) for name in names]
    return Named(tuple(names), tuple(waves), f"--bands{_as(sensor)}", sensor)


def _given_wave(name: str, sensor: str | None) -> float:
    found = IN_WORDS.fullmatch(name) or re.fullmatch(r"(\d{3,4})()", name)
    if found:
        return in_nm(float(found.group(1)), found.group(2))
    pair = _described(name, sensor)
    return pair[1] if pair else NAN


def _fitting(raster: Raster, names: list[str]) -> list[str]:
    """Names for the bands that aren't alpha. A name given to an alpha band makes it a feature."""
    if len(names) == raster.count and raster.alpha:
        named = [i for i in raster.alpha if names[i - 1].lower() not in (SKIP, "alpha")]
        raster.alpha = [index for index in raster.alpha if index not in named]
        return [names[index - 1] for index in raster.features]
    expected = 3 if raster.palette is not None else len(raster.features)
    if raster.palette is not None and len(names) == 1:
        raise SettingsError(f"{raster.name} is a palette image: name its red, green and blue with --bands.")
    if len(names) != expected:
        raise SettingsError(
            f"--bands names {len(names)} bands, but {raster.name} has {expected}: "
            f"give one name for each band of the file, in file order; '{SKIP}' skips one."
        )
    return names


def check_ambiguous(named: Named) -> str | None:
    """A sentence where bands are numbered but no sensor says what the numbers mean."""
    lost = [n for n, w in zip(named.names, named.wavelengths, strict=True) if isnan(w) and is_numbered(n)]
    if not lost or named.sensor or named.how == UNKNOWN:
        return None
    return (
        f"{', '.join(lost)}: the same name means other bands on other sensors, so they are used as plain bands; "
        f"name the sensor with --sensor ({', '.join(KNOWN_SENSORS)})."
    )

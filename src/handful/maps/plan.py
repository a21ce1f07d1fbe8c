"""From what the user gave to the layers of a scene: rasters opened, bands named, dates told apart, said in notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import SceneError, SettingsError
from .arrays import is_array, raster_of
from .bands import Band, sensor_key
from .grid import Grid
from .header import MOST_BANDS
from .layer import Layer, Stack
from .mask import Mask
from .naming import Named, check_ambiguous, name_bands
from .raster import Raster

SHOWN = 24  # bands that a note lists
CODES = ("scl", "qa_pixel", "qa_radsat", "qa60", "fmask", "cloud_mask", "sr_qa_aerosol")


@dataclass(frozen=True)
class Plan:
    """The layers of a scene, before their radiometry is known."""

    grid: Grid
    names: tuple[str, ...]
    bands: tuple[Band, ...]
    stack: Stack
    notes: list[str]


def plan(paths: Any, bands: Sequence[str] | str | None, sensor: str | None, mask: Any) -> Plan:
    """Open everything. Raises SceneError and SettingsError; see `Scene.open`."""
    key = sensor_key(sensor) if sensor else None
    rasters = [open_raster(source) for source in listed(paths)]
    tell_apart(rasters)
    try:
        named = [
            name_bands(raster, given, key) for raster, given in zip(rasters, one_each(bands, rasters), strict=True)
        ]
        layers = layers_of(rasters, named)
        masked = Mask(open_raster(mask), layers[0].target) if mask is not None else None
    except BaseException:
        for raster in rasters:
            raster.close()
        raise
    stack = Stack(tuple(layers), masked, pooled(layers))
    notes = [*notes_of(layers), *([masked.note] if masked else [])]
    return Plan(layers[0].target, tuple(raster.name for raster in rasters), bands_of(layers), stack, notes)


def listed(paths: Any) -> list[Any]:
    """One source or several, as a list."""
    several = isinstance(paths, (list, tuple)) and not hasattr(paths, "dims")
    sources = list(paths) if several else [paths]
    if not sources:
        raise SceneError("no scene was given: name at least one raster.")
    return sources


def open_raster(source: Any) -> Raster:
    return raster_of(source) if is_array(source) else Raster(source)


def tell_apart(rasters: Sequence[Raster]) -> None:
    """Rasters of one name in several folders are called by folder and name."""
    names = [raster.short for raster in rasters]
    for raster, name in zip(rasters, names, strict=True):
        if names.count(name) > 1 and raster.path:
            raster.short = f"{raster.path.absolute().parent.name}/{name}"


def one_each(bands: Sequence[str] | str | None, rasters: Sequence[Raster]) -> list[str | Sequence[str] | None]:
    """What --bands says of each raster. Raises SettingsError where it was not given once a raster."""
    if bands is None:
        return [None] * len(rasters)
    if isinstance(bands, str):
        bands = [bands]
    if len(rasters) == 1 and len(bands) > 1 and not any("," in text for text in bands):
        return [list(bands)]  # from Python: a list of names
    if len(bands) == 1 and len({raster.count for raster in rasters}) == 1:
        return [bands[0]] * len(rasters)
    if len(bands) != len(rasters):
        raise SettingsError(
            f"--bands speaks of {len(bands)} rasters, not of {len(rasters)}: give it once a raster, in their order."
        )
    return list(bands)


def layers_of(rasters: Sequence[Raster], named: Sequence[Named]) -> list[Layer]:
    """Layers with their dates: a wavelength that was seen before is of another date."""
    target = rasters[0].grid
    layers: list[Layer] = []
    date, seen = 0, set[float]()
    for raster, own in zip(rasters, named, strict=True):
        palette = raster.palette is not None
        zeros = not raster.declares and not palette and (len(rasters) == 1 or len(own.names) > 1)
        layer = Layer(raster, own, target, zeros)
        waves = [wave for wave in layer.wavelengths.tolist() if np.isfinite(wave)]
        if seen & set(waves):
            date, seen = date + 1, set()
        counts = [waves[:i].count(wave) for i, wave in enumerate(waves)]
        seen |= set(waves)
        later = iter(counts)
        layer.dates = tuple(date + next(later) if known else 0 for known in layer.optical)
        date += max(counts, default=0)
        layers.append(layer)
    total = sum(len(layer.names) for layer in layers)
    if total > MOST_BANDS:
        raise SceneError(f"the rasters have {total:,} bands together, and {MOST_BANDS:,} are the most: stack fewer.")
    return layers


def pooled(layers: Sequence[Layer]) -> tuple[int, ...]:
    """Bands that come one a file, have a known wavelength, and no declared nodata."""
    found, at = [], 0
    for layer in layers:
        single = len(layers) > 1 and len(layer.named.names) == 1 and not layer.raster.declares
        if single and layer.optical.all():
            found.append(at)
        at += len(layer.names)
    return tuple(found)


def bands_of(layers: Sequence[Layer]) -> tuple[Band, ...]:
    return tuple(
        Band(number, index, name, float(wave), date)
        for number, layer in enumerate(layers)
        for index, name, wave, date in zip(layer.file_bands, layer.names, layer.wavelengths, layer.dates, strict=True)
    )


def notes_of(layers: Sequence[Layer]) -> list[str]:
    """What was found in the files, in sentences."""
    notes = []
    for layer in layers:
        notes.append(map_of(layer))
        notes += [text for text in (check_ambiguous(layer.named), *odd(layer)) if text]
    return notes


def map_of(layer: Layer) -> str:
    """The map from file band to name, and where the names come from."""
    shown = [
        f"{index} {name}" + (f" ({wave:.0f} nm)" if np.isfinite(wave) else "")
        for index, name, wave in zip(layer.file_bands, layer.names, layer.wavelengths, strict=True)
    ]
    more = f", ... {shown[-1]} ({len(shown)} bands)" if len(shown) > SHOWN else ""
    listed = ", ".join(shown[: SHOWN if not more else SHOWN - 4]) + more
    assumed = " (assumed; override with --bands, one name for each band in file order)" if layer.named.assumed else ""
    return f"Bands of {layer.raster.short}: {listed}; from {layer.named.how}{assumed}."


def odd(layer: Layer) -> list[str]:
    """What is unusual about a raster."""
    raster, notes = layer.raster, []
    if raster.alpha:
        alpha = ", ".join(map(str, raster.alpha))
        notes.append(
            f"Band {alpha} of {raster.short} is transparency (alpha): it says which pixels are valid and isn't used. "
            "If it is a band of the sensor, name all bands of the file with --bands."
        )
    coded = [name for name in layer.names if name.lower() in CODES]
    if coded:
        notes.append(f"{', '.join(coded)} of {raster.short} holds codes, no measurements: skip it with '-' in --bands.")
    if raster.palette is not None:
        notes.append(f"{raster.short} is a palette image: its colours are used as red, green and blue.")
    if layer.zeros:
        notes.append(f"{raster.short} declares no nodata value: 0 in all bands is taken for no data.")
    if raster.grid.crs is None and layer.resampled is None:
        notes.append(f"{raster.short} has no georeference: label coordinates are column and row.")
    if layer.resampled is not None:
        notes.append(f"{raster.short} was resampled to the grid of the first raster (bilinear).")
    return notes

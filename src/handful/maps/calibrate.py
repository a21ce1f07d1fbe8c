"""The radiometry of a scene's rasters: rasters of one date come from one product, and are judged together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .layer import Layer
from .radiometry import OVERRIDE, Radiometry, from_metadata, given, judge

PLAIN = Radiometry("none", 1.0, 0.0, False, "no band of known wavelength")


@dataclass(frozen=True)
class Calibration:
    """What the layers' stored values become: one radiometry a raster, scale and offset (bands,), notes."""

    rasters: tuple[Radiometry, ...]
    scale: np.ndarray
    offset: np.ndarray
    notes: list[str]


def calibrate(layers: Sequence[Layer], sample: np.ndarray, told: str | None) -> Calibration:
    """From a sample (m, bands) of stored values, and what --radiometry told."""
    fixed = given(told) if told is not None else None
    starts = np.cumsum([0, *(len(layer.names) for layer in layers)])
    stored = [sample[:, start:end] for start, end in zip(starts, starts[1:])]
    known = any(layer.optical.any() for layer in layers)
    judged = {} if fixed else judged_products(layers, stored)
    rasters, scales, offsets = [], [], []
    for i, layer in enumerate(layers):
        own = fixed or from_metadata(layer.raster, layer.named.sensor) or judged.get(i, PLAIN)
        everywhere = own.name == "custom" and not known
        scale, offset = factors(layer, own, everywhere)
        rasters.append(own if layer.optical.any() or everywhere or own.name == "file" else PLAIN)
        scales.append(scale)
        offsets.append(offset)
    return Calibration(tuple(rasters), np.concatenate(scales), np.concatenate(offsets), said(layers, rasters))


def judged_products(layers: Sequence[Layer], stored: Sequence[np.ndarray]) -> dict[int, Radiometry]:
    """What is judged of each raster that has a known wavelength, together with others of its date, type and sensor."""
    products: dict[tuple[int, str, str | None], list[int]] = {}
    for i, layer in enumerate(layers):
        if layer.optical.any():
            kind = layer.raster.dtypes[layer.indexes[0] - 1]
            products.setdefault((min(layer.dates), kind, layer.named.sensor), []).append(i)
    found: dict[int, Radiometry] = {}
    for (_, kind, sensor), members in products.items():
        seen = np.concatenate([stored[i][:, layers[i].optical] for i in members], axis=1)
        found |= dict.fromkeys(members, judge(seen, kind, sensor))
    return found


def factors(layer: Layer, own: Radiometry, everywhere: bool) -> tuple[np.ndarray, np.ndarray]:
    """Scale and offset (used bands,); a sensor's radiometry is for bands of known wavelength only."""
    if own.name == "file":
        raster = layer.raster
        if any(scale != 1 for scale in raster.scales) or any(raster.offsets):
            scales, offsets = np.array(raster.scales), np.array(raster.offsets)
            at = np.array(layer.indexes) - 1
            return _floats(scales[at]), _floats(offsets[at])
    where = layer.optical | everywhere
    return _floats(np.where(where, own.scale, 1.0)), _floats(np.where(where, own.offset, 0.0))


def _floats(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def said(layers: Sequence[Layer], rasters: Sequence[Radiometry]) -> list[str]:
    """A sentence for each reading of stored values, naming the rasters that are read so."""
    readings: dict[Radiometry, list[str]] = {}
    for layer, own in zip(layers, rasters, strict=True):
        if own is not PLAIN:
            readings.setdefault(own, []).append(layer.raster.short)
    notes = []
    for own, names in readings.items():
        meaning = formula(own.scale, own.offset)
        tail = f" (assumed; {OVERRIDE})" if own.assumed else ""
        notes.append(f"Radiometry of {', '.join(names)}: {own.name} ({meaning}), {own.why}{tail}.")
    return notes


def formula(scale: float, offset: float) -> str:
    """How stored values become reflectance, in a few signs.

    >>> formula(1e-4, -0.1), formula(1e-4, 0), formula(1, 0)
    ('stored * 0.0001 - 0.1', 'stored * 0.0001', 'values as stored')
    """
    if scale == 1 and not offset:
        return "values as stored"
    shift = f" {'-' if offset < 0 else '+'} {abs(offset):g}" if offset else ""
    return f"stored * {scale:g}{shift}"

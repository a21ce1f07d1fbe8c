"""A raster beside the scene (`--with NAME=FILE`): its values on the scene's grid, NaN where it has none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SceneError, SettingsError, did_you_mean
from .calibrate import calibrate
from .grid import Grid, Window
from .kinds import KINDS, check_codes, in_decibels, kind_of, to_decibels
from .layer import Layer
from .naming import Named, name_bands
from .plan import open_raster
from .raster import Raster
from .sampling import sample
from .sight import Sight

SEEN = 4000  # pixels by which it is judged, and of which its constants are taken
RESERVED = ("bands", "wavelengths", "dates", "features", "task")
WORDS = {"optical": "optical", "radar": "radar", "codes": "codes of a land-cover product", "numbers": "numbers"}


@dataclass(frozen=True, eq=False)
class Modality:
    """What lies beside the scene under one name.

    kind    optical, radar, codes or numbers
    linear  whether stored radar is linear, and becomes dB
    seen    (m, bands) a seeded sample of its valid pixels within the scene, as `read` gives them
    notes   sentences for the user
    """

    name: str
    layer: Layer
    kind: str
    scale: np.ndarray
    offset: np.ndarray
    linear: bool
    seen: np.ndarray
    notes: list[str]

    @property
    def count(self) -> int:
        return len(self.layer.names)

    @property
    def wavelengths(self) -> np.ndarray:
        """(bands,) nm; NaN for all but optical ones."""
        return self.layer.wavelengths.astype(np.float32)

    @property
    def dates(self) -> np.ndarray:
        return np.array(self.layer.dates, np.int64)

    @property
    def sight(self) -> Sight:
        """Its constants."""
        return Sight.of_codes(self.seen) if self.kind == "codes" else Sight.of(self.wavelengths, self.dates, self.seen)

    def read(self, window: Window) -> np.ndarray:
        """Values float32 (bands, height, width) of a window within the scene."""
        values, valid = self.layer.read(window)
        values = values * self.scale[:, None, None] + self.offset[:, None, None]
        values = to_decibels(values) if self.linear else values
        values[:, ~(valid & np.isfinite(values).all(0))] = np.nan
        return values

    def record(self) -> dict[str, Any]:
        """For `run.json`."""
        raster = self.layer.raster
        return {
            "name": self.name,
            "path": str(raster.path or raster.name),
            "kind": self.kind,
            "bands": list(self.layer.names),
            "resampled": self.layer.resampled is not None,
            "became_db": self.linear,
        }


def open_modality(text: str, source: Any, target: Grid, kind: str | None = None) -> Modality:
    """Open what lies beside a scene of that grid, as `NAME` or `NAME:KIND`; `kind` is what it is without any told.

    Raises SceneError where it can't be read, doesn't meet the scene or has no data there, SettingsError for a bad name.
    """
    name, wanted = named_kind(text)
    raster = open_raster(source)
    wanted = wanted or kind
    kind, layer = recognised(name, raster, target, wanted)
    values = valid_values(name, layer)
    told = calibrate([layer], values, None)
    known = values * told.scale + told.offset
    notes = list(told.notes)
    linear, why = False, ""
    if kind == "radar":
        decibels, why = (wanted == "db", "as told") if wanted in ("db", "linear") else in_decibels(name, raster, known)
        linear = not decibels
    if kind == "codes":
        check_codes(name, known)
    known = to_decibels(known) if linear else known
    notes = [said(name, layer, kind, linear, why), *notes]
    return Modality(name, layer, kind, told.scale, told.offset, linear, known.astype(np.float32), notes)


def recognised(name: str, raster: Raster, target: Grid, wanted: str | None) -> tuple[str, Layer]:
    """Its kind, and its layer read for that."""
    named = name_bands(raster, None, None)
    if wanted is None:
        single = raster.palette is not None
        plain = raw(raster, target) if single else Layer(raster, named, target, zeros=False)
        wanted = kind_of(name, raster, named, valid_values(name, plain))
    kind = "radar" if wanted in ("db", "linear") else wanted
    if kind == "optical":
        layer = Layer(raster, named, target, zeros=not raster.declares)
        return kind, replace(layer, dates=(0,) * len(layer.names))
    layer = raw(raster, target)
    return kind, replace(layer, zeros=kind == "radar" and not raster.declares, nearest=kind == "codes")


def raw(raster: Raster, target: Grid) -> Layer:
    """All bands by their number or description, of no wavelength; a palette's colours are left."""
    raster.palette = None
    texts = [raster.descriptions[index - 1] or f"band {index}" for index in raster.features]
    named = Named(tuple(texts), (np.nan,) * len(texts), "their number")
    return Layer(raster, named, target, zeros=False, dates=(0,) * len(texts))


def valid_values(name: str, layer: Layer) -> np.ndarray:
    """A seeded sample (m, bands) of stored values on the scene's grid. Raises SceneError where there are none."""
    found = sample(layer.read, layer.target, len(layer.names), SEEN, 0)
    if len(found):
        return found.values
    raster, target = layer.raster, layer.target
    if layer.resampled is not None and not layer.resampled.meets():
        raise SceneError(
            f"--with {name}: {raster.name} doesn't overlap the scene: it lies {extent(raster.grid)}, the scene "
            f"{extent(target)}. Give a file of the same place."
        )
    raise SceneError(
        f"--with {name}: {raster.name} has no data where the scene lies. Check its nodata value with gdalinfo -stats, "
        "or leave it out."
    )


def extent(grid: Grid) -> str:
    x, y = grid.xy(np.array([-0.5, grid.height - 0.5]), np.array([-0.5, grid.width - 0.5])).T
    crs = "" if grid.crs is None else f" ({grid.crs.to_string()[:40]})"
    return f"from x {min(x):.6g}, y {min(y):.6g} to x {max(x):.6g}, y {max(y):.6g}{crs}"


def said(name: str, layer: Layer, kind: str, linear: bool, why: str) -> str:
    """What was taken for what, in a sentence."""
    what = WORDS[kind]
    if kind == "radar":
        what = f"radar {'stored linear, brought to dB' if linear else 'in dB'} ({why})"
    bands = f"{len(layer.names)} band{'s' if len(layer.names) > 1 else ''}"
    how = ""
    if layer.resampled is not None:
        finer = layer.resampled.steps > 1
        how = "nearest pixel" if layer.nearest else "averaged, since it is finer" if finer else "bilinear"
        how = f", resampled to the scene's grid ({how})"
    other = {"optical": "numbers", "radar": "numbers", "codes": "numbers", "numbers": "codes"}[kind]
    return f"{name} ({layer.raster.short}): {bands} of {what}{how}; say {name}:{other}=FILE if that is wrong."


def named_kind(text: str) -> tuple[str, str | None]:
    """NAME or NAME:KIND in its two parts. Raises SettingsError for others."""
    name, colon, kind = text.strip().partition(":")
    if not re.fullmatch(r"[A-Za-z][\w-]*", name) or name in RESERVED:
        raise SettingsError(
            f"--with {text}: '{name}' can't be a name{' (it means something else)' if name in RESERVED else ''}. "
            "Write NAME=FILE with a name of letters and digits, as dem=dem.tif."
        )
    if colon and kind not in KINDS:
        raise SettingsError(
            f"--with {text}: '{kind}' is no kind. {did_you_mean(kind, KINDS)} Known: {', '.join(KINDS)}."
        )
    return name, kind or None


def split(others: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """NAME or NAME:KIND to file, from the texts of the command line or from a dict. Raises SettingsError."""
    if isinstance(others, Mapping):
        found = dict(others)
    else:
        found = {}
        for text in others:
            name, equals, path = text.partition("=")
            if not equals or not path:
                raise SettingsError(f"--with {text}: write NAME=FILE, as in --with radar=s1.tif.")
            if name in found:
                raise SettingsError(f"--with names '{name}' twice: give each file a name of its own.")
            found[name] = path
    names = [named_kind(text)[0] for text in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(f"--with names '{twice}' twice: give each file a name of its own.")
    return found


def files_of(others: Sequence[str]) -> list[Path]:
    """The files that the texts of the command line name."""
    return [Path(path) for path in split(others).values()]

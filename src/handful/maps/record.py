"""What `run.json` says of a run's inputs and settings, and the key under which its finished blocks are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..checkpoint import RECORD, WEIGHTS
from ..files import checksum
from ..problem import Classes, Problem, Quantity
from .labels import Labels
from .modality import files_of
from .scene import Scene

FILES = (
    "scenes",
    "labels",
    "test_labels",
    "examples",
    "example_scenes",
    "mask",
    "area",
    "palette",
)  # parameters that name files
FOLDERS = ("weights", "model", "base")  # parameters that name checkpoints
DRESS = ("window", "workers", "palette", "test_labels")  # parameters that no block depends on
PACKAGES = ("numpy", "scipy", "torch", "scikit-learn", "rasterio", "geopandas", "pyogrio", "shapely")


def about(scene: Scene, problem: Problem) -> dict[str, Any]:
    """A scene, and what is mapped."""
    return {
        "bands": bands_record(scene),
        "radiometry": scene.radiometry_record,
        "others": [other.record() for other in scene.others],
        "crs": crs_said(scene.grid.crs),
        "kind": "classes" if isinstance(problem, Classes) else "quantity",
        "classes": list(problem.names) if isinstance(problem, Classes) else [],
        "quantity": {"name": problem.name, "unit": problem.unit} if isinstance(problem, Quantity) else None,
        "notes": list(scene.notes),
        "test": None,
    }


def bands_record(scene: Scene) -> list[dict[str, Any]]:
    """What is read of a scene: its raster and the number in its file, the name and the wavelength of each band."""
    return [
        {"raster": b.raster, "index": b.index, "name": b.name, "wavelength": finite(b.wavelength)} for b in scene.bands
    ]


def kept_of(record: dict[str, Any]) -> dict[str, Any]:
    """What a model keeps of the record of its scene."""
    return {name: record[name] for name in ("bands", "radiometry", "others", "fusion") if name in record}


def kinds_of(kept: Mapping[str, Any]) -> dict[str, str]:
    """Name to kind of what lay beside the scene that a model was made on."""
    return {str(other["name"]): str(other["kind"]) for other in kept.get("others") or []}


def crs_said(crs: Any) -> str | None:
    """The code of a CRS, such as EPSG:32633, or its WKT; None without one."""
    return None if crs is None else str(crs.to_string())


def of_labels(labels: Labels) -> dict[str, Any]:
    """How many labelled pixels were used, by class."""
    if isinstance(labels.problem, Classes):
        counts = np.bincount(labels.targets, minlength=labels.problem.outputs).tolist()
        return {"labels": dict(zip(labels.problem.names, counts, strict=True))}
    return {"labels": {labels.problem.name: len(labels)} if isinstance(labels.problem, Quantity) else {}}


def parameters(*choices: Any) -> dict[str, Any]:
    """Every option, under the name that the command line has for it."""
    found: dict[str, Any] = {}
    for choice in choices:
        found |= asdict(choice)
    called = {"paths": "scenes", "path": "labels", "others": "with"}
    found = {called.get(name, name): value for name, value in found.items()}
    return {name: str(value) if isinstance(value, Path) else value for name, value in found.items()}


def inputs(given: dict[str, Any]) -> list[dict[str, str]]:
    """Path and checksum of each file that the parameters name; what isn't a file on disk has none."""
    named = [given[name] for name in FILES if given.get(name)]
    paths = files_of(given.get("with") or ())
    paths += [Path(path) for one in named for path in (one if isinstance(one, list | tuple) else [one])]
    folders = [Path(given[name]) for name in FOLDERS if given.get(name)]
    paths += [folder / name for folder in folders for name in (WEIGHTS, RECORD)]
    return [{"path": str(path), "checksum": checksum(path)} for path in paths if path.is_file()]


def key_of(record: dict[str, Any]) -> dict[str, Any]:
    """What a finished block depends on; blocks of a run with another key are not taken over."""
    kept = {name: value for name, value in record["parameters"].items() if name not in DRESS}
    return {"handful": __version__, "inputs": inputs(kept), "parameters": kept, "versions": versions()}


def versions() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES}


def finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

"""The report of a map that was just made: previews of its files, and the page that they go on."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import __version__
from ..files import write_text
from ..maps.grid import Grid
from ..maps.job import Result
from ..maps.pictures import preview, shown_bands, step_of, thin_scene
from ..maps.record import versions
from .page import map_page
from .pictures import Pictures
from .stretch import stretch


def write_report(result: Result) -> None:
    """`report.html` in the map's folder."""
    made_by = {"handful": __version__, "versions": versions(), "seconds": dict(result.clock.seconds)}
    write_text(result.outputs.folder / "report.html", map_page(result.record | made_by, pictures_of(result)))


def pictures_of(result: Result) -> Pictures:
    """Previews of the scene and of the finished rasters, with the labels on them."""
    scene, folder = result.scene, result.outputs.folder
    step = step_of(scene.grid)
    parts: dict[str, Any] = {name: preview(folder / f"{name}.tif", step) for name in ("map", "confidence", "trust")}
    width, height = pixel_of(scene.grid)
    return Pictures(
        **parts,
        colours=result.outputs.colours,
        **scene_pictures(result, step),
        **label_places(result, step),
        metres_per_pixel=None if scene.grid.crs is None else width * step,
        pixel_shape=width / height,
        north_up=None if scene.grid.crs is None else bool(scene.grid.transform.e < 0),
        **reliability_of(result.record),
    )


def pixel_of(grid: Grid) -> tuple[float, float]:
    """Width and height of a pixel at the grid's centre, in metres; in pixels without a CRS."""
    row, column = grid.height // 2, grid.width // 2
    here, across, down = grid.metres(np.array([row, row, row + 1]), np.array([column, column + 1, column]))
    return float(abs(across - here)[0]), float(abs(down - here)[1])


def scene_pictures(result: Result, step: int) -> dict[str, Any]:
    scene = result.scene
    true, false = shown_bands(scene)
    both = sorted({*true, *(false or [])})
    values, valid = thin_scene(scene, both, step)
    found: dict[str, Any] = {}
    for name, bands in (("true", true), ("false", false)):
        if bands is not None:
            found[f"{name}_colour"] = stretch(values[[both.index(band) for band in bands]], valid)
            found[f"{name}_bands"] = ", ".join(scene.bands[band].name or f"band {band + 1}" for band in bands)
    return found


def label_places(result: Result, step: int) -> dict[str, Any]:
    labels = result.labels
    if labels is None:
        return {}
    rows, columns = ((np.asarray(v) + 0.5) / step for v in (labels.rows, labels.columns))
    return {"label_rows": rows, "label_columns": columns, "label_targets": labels.targets}


def reliability_of(record: dict[str, Any]) -> dict[str, Any]:
    curves = (record.get("calibration") or {}).get("reliability") or {}
    found: dict[str, Any] = {"reliability": {f"{name} calibration": bins for name, bins in curves.items() if bins}}
    if record.get("observed"):
        found["observed"], found["predicted"] = (np.array(values) for values in record["observed"])
    return found

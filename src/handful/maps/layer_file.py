"""Layers that handful writes: GeoPackages with their QGIS style inside, the same bytes for the same features."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import shapely
from pyproj import CRS

from ..files import whole
from .grid import Grid, apply

SAME_DATE = "2024-01-01T00:00:00Z"  # GeoPackages note when they were written
STYLES = """CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT,
styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)"""
TOLD = "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change) VALUES ('layer_styles', ?, ?, ?)"
STYLE = "INSERT INTO layer_styles VALUES (1, '', '', ?, 'geom', ?, ?, '', 1, '', '', '', ?)"


def write_layer(
    path: Path, layer: str, columns: Mapping[str, Any], geometry: Any, crs: Any, *, style: str = ""
) -> None:
    """Write features to a GeoPackage, a style inside of it if there is one; no features make an empty layer.

    columns   of values (features,) by name
    geometry  shapely geometries (features,), all points or all polygons
    crs       of their coordinates; None where they have none
    """
    shapes = np.asarray(geometry, dtype=object)
    kind = "Point" if len(shapes) and shapely.get_type_id(shapes[0]) == 0 else "Polygon"
    known = None if crs is None else CRS.from_user_input(crs.to_wkt() if hasattr(crs, "to_wkt") else crs)
    table = geopandas.GeoDataFrame(dict(columns), geometry=shapes, crs=known)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": SAME_DATE})
    try:
        with whole(path) as part, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a scene without a CRS: that was said
            pyogrio.write_dataframe(table, part, driver="GPKG", layer=layer, geometry_type=kind)
            if style:
                _put_style(part, layer, style)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _put_style(path: Path, layer: str, style: str) -> None:
    """Keep a style where QGIS keeps a layer's own."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(STYLES)
        database.execute(TOLD, ("attributes", "layer_styles", SAME_DATE))
        database.execute(STYLE, (layer, layer, style, SAME_DATE))


def on_ground(shapes: np.ndarray, grid: Grid) -> np.ndarray:
    """Shapes in pixels (x the column, y the row) to the coordinates of the grid's CRS."""

    def moved(xy: np.ndarray) -> np.ndarray:
        return np.stack(apply(grid.transform, xy[:, 0], xy[:, 1]), axis=-1)

    return np.asarray(shapely.transform(shapes, moved), dtype=object)


def hectares(shapes: np.ndarray, grid: Grid) -> np.ndarray:
    """(n,) areas of shapes in pixels, as large as pixels are in the middle row of each; NaN without a CRS."""
    if not len(shapes):
        return np.zeros(0)
    box = shapely.bounds(shapes)
    rows = np.clip(np.floor((box[:, 1] + box[:, 3]) / 2), 0, grid.height - 1).astype(int)
    return np.asarray(shapely.area(shapes) * grid.hectares(rows))

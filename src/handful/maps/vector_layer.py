"""A vector layer as its file gives it, before anything is decided about its CRS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

WGS84 = CRS.from_epsg(4326)
UNDEFINED = "undefined"


@dataclass
class Layer:
    """Geometries (n,), columns (n rows) and CRS of one layer.

    trouble  why there is no CRS, as the end of a sentence that begins with the file's name
    style    a QGIS style (.qml) that the file holds, or empty
    """

    geometry: np.ndarray
    table: pd.DataFrame
    crs: CRS | None
    trouble: str = "it doesn't say in which CRS its coordinates are"
    style: str = ""
    notes: list[str] = field(default_factory=list)

    def without_false_degrees(self) -> Layer:
        """A layer that is taken for degrees without saying so, unless its coordinates cannot be degrees."""
        xy = np.abs(shapely.get_coordinates(self.geometry))
        xy = xy[np.isfinite(xy).all(1)]
        if len(xy) and (np.median(xy, axis=0) > [360.0, 90.0]).any():
            self.crs, self.trouble = None, "its coordinates are no longitudes and latitudes, and it names no CRS"
        return self


def parse_crs(text: Any) -> tuple[CRS | None, str]:
    """A CRS that PROJ knows, or None and the trouble with it; undefined and local ones count as none."""
    if text is None or text == "":
        return None, Layer.trouble
    try:
        crs = CRS.from_user_input(text)
    except Exception:  # CRSError, ProjError, ValueError, TypeError: whatever the text was, nobody knows it
        return None, f"its CRS ({' '.join(str(text).split())[:80]}) is unknown"
    if crs.is_engineering or crs.name.lower().startswith(UNDEFINED):
        return None, f"its CRS ({crs.name}) doesn't say where on Earth it lies"
    return crs, ""

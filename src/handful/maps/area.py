"""The area to map: polygons of a vector file, as a mask of any window of the scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from handful.errors import LabelsError
from handful.maps.grid import Grid, Window
from handful.maps.label_pixels import cover
from handful.maps.placing import Parts, count, extents, place
from handful.maps.vectors import read_features


@dataclass(frozen=True)
class Area:
    """Polygons laid on a scene's grid.

    parts  in pixels
    notes  what was left out or mended: sentences for a person
    """

    parts: Parts
    tree: shapely.STRtree
    notes: list[str]

    @classmethod
    def read(cls, path: Any, grid: Grid, *, area_crs: Any = None, layer: str | None = None) -> Area:
        """Read polygons from a vector file or a GeoDataFrame.

        Raises LabelsError where they cannot be read or placed, or don't meet the scene.
        """
        features = read_features(path, grid, labels_crs=area_crs, layer=layer)
        polygons = shapely.get_dimensions(features.geometry) == 2
        if not polygons.any():
            raise LabelsError(f"{features.name}: an area is made of polygons; there are none in it.")
        notes = [note.replace("label", "feature") for note in features.notes]
        count(notes, int((~polygons).sum()), "of the area that is no polygon: left out", "feature")
        parts = place(features, grid)
        parts = parts.take(polygons[parts.feature])
        area = cls(
            parts, shapely.STRtree(parts.geometry), notes + [note.replace("label", "feature") for note in parts.notes]
        )
        if not len(area.near(grid.window)):
            raise LabelsError(f"{features.name}: the area doesn't meet the scene. {extents(parts.geometry, grid)}")
        return area

    def near(self, window: Window) -> np.ndarray:
        """The numbers of the polygons that meet a window."""
        row, column, height, width = window
        box = shapely.box(column, row, column + width, row + height)
        return np.sort(self.tree.query(box, predicate="intersects"))

    def mask(self, window: Window) -> np.ndarray:
        """(height, width) bool: pixels whose centre lies in the area; windows may reach beyond the scene."""
        inside: np.ndarray = cover(self.parts, window, self.near(window)) > 0
        return inside

"""What was found, best first, and the layer of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
import torch

from ..files import write_text
from ..maps.grid import Grid
from ..maps.layer_file import hectares, on_ground, write_layer
from ..maps.styles import outline_style
from ..solvers.boxes import overlaps

SAME = 0.4  # overlap of boxes from which on two are one thing
FILE, LAYER = "objects.gpkg", "objects"


@dataclass(frozen=True)
class Findings:
    """Objects in a scene.

    shapes  (n,) polygons or boxes in pixels, x the column and y the row
    kinds   (n,) indices into the names of the examples' kinds
    scores  (n,) 1 for as alike as the examples are to each other, in falling order
    """

    shapes: np.ndarray
    kinds: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.shapes)

    @classmethod
    def of(cls, shapes: np.ndarray, kinds: np.ndarray, scores: np.ndarray) -> Findings:
        """In the order of their scores."""
        order = np.argsort(-scores, kind="stable")
        return cls(shapes[order], kinds[order].astype(np.int64), np.round(scores[order], 4))

    @property
    def bounds(self) -> np.ndarray:
        """(n, 4) least x and y, greatest x and y."""
        return np.asarray(shapely.bounds(self.shapes)).reshape(-1, 4)

    def like(self, bounds: np.ndarray) -> np.ndarray:
        """(n,) bool: which overlap one of these boxes (m, 4) so much that they are the same thing."""
        ours, theirs = torch.from_numpy(self.bounds), torch.from_numpy(bounds)
        same: np.ndarray = (overlaps(ours, theirs) >= SAME).any(1).numpy()
        return same

    def write(
        self, folder: Path, names: tuple[str, ...], colours: Mapping[str, str], grid: Grid, shown: np.ndarray
    ) -> None:
        """`objects.gpkg` and the QGIS style beside it; without findings a layer that is empty and opens.

        shown  (n,) bool: which are the examples themselves
        """
        kinds = [names[index] for index in self.kinds]
        area = np.round(hectares(self.shapes, grid) * 1e4, 2)
        columns = {"rank": np.arange(1, len(self) + 1), "kind": np.array(kinds, dtype=object), "score": self.scores}
        style = outline_style("kind", names, colours)
        places = on_ground(self.shapes, grid)
        write_layer(
            folder / FILE, LAYER, columns | {"area_m2": area, "is_example": shown}, places, grid.crs, style=style
        )
        write_text(folder / FILE.replace(".gpkg", ".qml"), style)


NOTHING = Findings(np.zeros(0, object), np.zeros(0, np.int64), np.zeros(0))


def joined(parts: list[Findings]) -> Findings:
    """Several findings as one."""
    if not parts:
        return NOTHING
    columns = ([getattr(part, name) for part in parts] for name in ("shapes", "kinds", "scores"))
    return Findings.of(*(np.concatenate(column) for column in columns))

"""The default detector: dense features of the scene, matched with prototypes of the examples. Nothing is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
import torch

from ..maps.blocks import blocks, grown
from ..maps.grid import Grid, Window
from ..maps.outlines import means_within, outlines, read_window
from ..maps.scene import Scene
from .features import Eye
from .findings import Findings, joined
from .peaks import apart, fitted, peaks, sizes_of
from .prototypes import Prototypes
from .shown import Shown
from .yardstick import Yardstick, level

SMALLEST = 0.2  # of the smallest example's area that a polygon must have
FITTED = 0.875  # similarity of a pixel from which on a box is drawn about what stands out
Progress = Callable[[int, int], None]


class Block(NamedTuple):
    """One block of a scene: similarity (kinds, height, width), NaN no data.

    1 for what is typical of the kind. .5 for a similarity of 0: for polygons, as near to the kind as to the ground.
    """

    similarity: np.ndarray


@dataclass(frozen=True)
class Matcher:
    """Everything that turns a block into similarity."""

    eye: Eye
    prototypes: Prototypes
    yardstick: Yardstick

    def match(self, scene: Scene, block: Window) -> Block:
        """The similarity of one block. Its bytes depend on the scene and the block alone."""
        typical = self.yardstick.pixel[:, None, None].astype(np.float32)
        strips = []
        with torch.inference_mode():
            for features, valid in self.eye.strips(scene, block):
                cosines = self.prototypes.similarity(features).numpy()
                strips.append(np.where(valid, level(cosines, typical), np.nan).astype(np.float32))
        return Block(np.concatenate(strips, axis=1))


def boxes_in(path: Path, grid: Grid, shown: Shown, yardstick: Yardstick, least: float, progress: Progress) -> Findings:
    """Boxes of the examples' size in a raster of similarity, block by block with a margin of two boxes."""
    bounds, found = shown.bounds, []
    every = [block for group in blocks(grid.height, grid.width) for block in group]
    for done, block in enumerate(every):
        for kind in range(len(shown.names)):
            sizes = sizes_of(bounds[shown.kinds == kind])
            unit = float(yardstick.box[kind] / yardstick.pixel[kind]) / 2  # contrast of a typical box, after `level`
            here = boxes_of_block(path, block, kind, sizes, least * unit)
            found.append((kind, here[:, :4], here[:, 4] / unit))
        progress(done + 1, len(every))
    return joined([_of_kind(k, found, grid) for k in range(len(shown.names))])


def boxes_of_block(path: Path, block: Window, kind: int, sizes: np.ndarray, least: float) -> np.ndarray:
    """(n, 5) boxes in the scene's pixels whose middle lies in the block, and their contrasts."""
    margin = 2 * int(sizes.max()) + 2
    similarity = read_window(path, grown(block, margin))[kind]
    core = slice(margin, margin + block.height), slice(margin, margin + block.width)
    here = apart(peaks(similarity, sizes, least, core))
    here = apart(fitted(here, similarity, FITTED))
    shift = np.array([block.column - margin, block.row - margin])
    return here + np.array([*shift, *shift, 0.0])


def _of_kind(kind: int, found: list[tuple[int, np.ndarray, np.ndarray]], grid: Grid) -> Findings:
    """The boxes of a kind from all blocks, without those that overlap a better one, cut at the scene's edge."""
    own = [np.column_stack([boxes, scores]) for which, boxes, scores in found if which == kind]
    best = apart(np.concatenate(own))
    low, high = np.maximum(best[:, :2], 0), np.minimum(best[:, 2:4], [grid.width, grid.height])
    good = (high > low).all(1)
    shapes = shapely.box(*low[good].T, *high[good].T)
    return Findings.of(np.asarray(shapes, dtype=object), np.full(good.sum(), kind), best[good, 4])


def polygons_in(path: Path, grid: Grid, shown: Shown, least: float, progress: Progress) -> Findings:
    """What stands out in a raster of similarity, as it is shaped."""
    found, areas = [], shapely.area(shown.shapes)
    for kind in range(len(shown.names)):
        shapes = outlines(path, kind, least, grid)
        shapes = shapes[shapely.area(shapes) >= max(SMALLEST * areas[shown.kinds == kind].min(), 1.0)]
        if len(shapes):
            found.append(Findings.of(shapes, np.full(len(shapes), kind), means_within(path, kind, shapes, grid)))
        progress(kind + 1, len(shown.names))
    return joined(found)

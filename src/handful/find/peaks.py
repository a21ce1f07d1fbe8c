"""Boxes of the examples' size where a raster of similarity stands out."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import find_objects, label, maximum_filter, uniform_filter

from ..solvers.boxes import suppressed

OVERLAP = 0.3  # of two found boxes of one kind: beyond it, the better one stays
SIZES = 3  # of boxes that are tried for a kind
APART = 1.5  # sides that differ by less are one size
AROUND = 2.0  # sides of the surroundings that a box is compared with, in its own
WEIGHT = 1.0  # of the surroundings' similarity
SCALES = (0.8, 1.0, 1.25)  # of the examples' sides, that are tried
FIT = (0.55, 1.8)  # a side of what stands out, over the box's, within which the box is fitted to it
MOST = 3_000  # boxes of a block before the overlapping ones go


def sides_of(bounds: np.ndarray) -> np.ndarray:
    """(n, 2) heights and widths of the examples in pixels: the means of like ones, of long ones both ways."""
    sides = np.maximum(bounds[:, [3, 2]] - bounds[:, [1, 0]], 1.0)
    groups: list[list[np.ndarray]] = []
    for one in sides[np.argsort(sides.prod(1), kind="stable")]:
        near = [group for group in groups if np.abs(np.log(one / np.mean(group, axis=0))).max() < np.log(APART)]
        if near:
            near[0].append(one)
        else:
            groups.append([one])
    means = [np.mean(group, axis=0) for group in sorted(groups, key=len, reverse=True)[:SIZES]]
    return np.array(
        [way for mean in means for way in ((mean, mean[::-1]) if mean.max() / mean.min() > 1.3 else (mean,))]
    )


def sizes_of(bounds: np.ndarray) -> np.ndarray:
    """(n, 2) heights and widths in whole pixels to look for: the examples', and somewhat smaller and larger ones."""
    every = sides_of(bounds)[:, None] * np.array(SCALES)[:, None]
    return np.unique(np.maximum(np.round(every.reshape(-1, 2)), 1).astype(int), axis=0)


def contrast(similarity: np.ndarray, height: int, width: int) -> np.ndarray:
    """(rows, columns) mean similarity in a box about each pixel, less that in what surrounds the box.

    Only what is known counts: NaN, as beyond the scene's edge, is in neither mean. 0 where one of the two has nothing.
    """
    known = np.isfinite(similarity)
    sums = np.stack([np.where(known, similarity, 0.0), known]).astype(np.float64)
    area, wide = height * width, (int(AROUND * height), int(AROUND * width))
    inner = area * uniform_filter(sums, (1, height, width), mode="constant")
    ring = wide[0] * wide[1] * uniform_filter(sums, (1, *wide), mode="constant") - inner
    counts = np.rint([inner[1], ring[1]])
    means = np.stack([inner[0], ring[0]]) / np.maximum(counts, 1)
    return np.where((counts > 0).all(0), means[0] - WEIGHT * means[1], 0.0)


def peaks(similarity: np.ndarray, sizes: np.ndarray, least: float, core: tuple[slice, slice]) -> np.ndarray:
    """(n, 5) boxes about the peaks of a window (rows, columns), and contrasts, where the middle is in the core.

    Boxes are in the window's pixels: least x and y, greatest x and y.
    """
    found = []
    for height, width in sizes.tolist():
        score = contrast(similarity, height, width)
        top = (score == maximum_filter(score, size=max(3, min(height, width) // 2 * 2 - 1))) & (score >= least)
        top &= np.isfinite(similarity)
        rows, columns = np.nonzero(top)
        inside = (rows >= core[0].start) & (rows < core[0].stop) & (columns >= core[1].start) & (columns < core[1].stop)
        rows, columns = rows[inside] + (height % 2) / 2, columns[inside] + (width % 2) / 2
        value = score[top][inside]
        found.append(
            np.stack([columns - width / 2, rows - height / 2, columns + width / 2, rows + height / 2, value], axis=1)
        )
    every = np.concatenate(found)
    return every[np.argsort(-every[:, 4], kind="stable")[:MOST]]


def fitted(boxes: np.ndarray, similarity: np.ndarray, least: float) -> np.ndarray:
    """Boxes (n, 5) drawn about what stands out in them, where that is about as large as they are."""
    marks, _ = label(np.nan_to_num(similarity, nan=-1.0) >= least)
    spans = find_objects(marks)
    made = boxes.copy()
    for index, (left, top, right, bottom, _) in enumerate(boxes):
        row, column = int((top + bottom) / 2), int((left + right) / 2)
        mark = marks[min(max(row, 0), marks.shape[0] - 1), min(max(column, 0), marks.shape[1] - 1)]
        if not mark:
            continue
        rows, columns = spans[mark - 1]
        ratio = np.array([(rows.stop - rows.start) / (bottom - top), (columns.stop - columns.start) / (right - left)])
        if (ratio > FIT[0]).all() and (ratio < FIT[1]).all():
            made[index, :4] = columns.start, rows.start, columns.stop, rows.stop
    return made


def apart(boxes: np.ndarray) -> np.ndarray:
    """The boxes (n, 5) that no better one overlaps, best first."""
    table = torch.from_numpy(boxes)
    return boxes[suppressed(table[:, :4], table[:, 4], OVERLAP).numpy()]

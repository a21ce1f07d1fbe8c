"""The trained detectors on a scene: examples as crops, the scene tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
import torch
from torch import Tensor

from ..encoders.bands import nearest_band
from ..errors import SceneError
from ..maps.blocks import grown
from ..maps.grid import Window
from ..maps.scene import Scene
from ..solvers.boxes import suppressed
from .attention_detector import AttentionDetector
from .cosine_detector import CosineDetector
from .detections import Detections
from .findings import Findings, joined
from .peaks import OVERLAP
from .shown import Shown

WAVES = (485.0, 560.0, 660.0, 840.0)  # nm: what the detectors read
WITHIN = 70.0  # nm
TILE, MARGIN = 192, 48  # pixels a side of a tile, and around it
SAMPLE = 4000
Detect = Callable[[Tensor], Detections]


@dataclass(frozen=True)
class Lens:
    """Which bands of a scene the detectors read, and the constants that these are brought to one scale with."""

    bands: tuple[int, ...]
    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, scene: Scene, seed: int) -> Lens:
        """Raises SceneError where a band is missing."""
        waves = torch.from_numpy(np.where(scene.dates == 0, scene.wavelengths, np.nan).astype(np.float32))
        found = [nearest_band(waves, wanted, WITHIN) for wanted in WAVES]
        missing = [f"{wave:.0f}" for wave, band in zip(WAVES, found, strict=True) if band is None]
        if missing:
            raise SceneError(
                f"the trained detectors read blue, green, red and near infrared, and the scene has no band at "
                f"{', '.join(missing)} nm: name its bands with --bands, or use --detector matching."
            )
        bands = tuple(band for band in found if band is not None)
        values = scene.sample(SAMPLE, seed)[0][:, bands]
        return cls(bands, values.mean(0), np.maximum(values.std(0), 1e-4))

    def look(self, scene: Scene, window: Window) -> tuple[Tensor, bool]:
        """(1, 4, height, width); 0, the mean, where there is no data; and whether there is any."""
        values, valid = scene.read(window)
        values = values[list(self.bands)]
        scaled = (values - self.mean[:, None, None]) / self.deviation[:, None, None]
        return torch.from_numpy(np.nan_to_num(scaled, nan=0.0).astype(np.float32))[None], bool(valid.any())


def ready(detector: CosineDetector | AttentionDetector, scene: Scene, shown: Shown, seed: int) -> Detect:
    """A function of images that finds the examples' kinds."""
    lens, count = Lens.of(scene, seed), len(shown.names)
    images, boxes, kinds = crops(scene, shown, lens)
    if isinstance(detector, CosineDetector):
        last = detector.fine_tuned(images, boxes, kinds, count, seed)
        return lambda image: detector.detect(image, last)
    examples = detector.examples(images, boxes, kinds, count)
    return lambda image: detector.detect(image, examples)


def crops(scene: Scene, shown: Shown, lens: Lens) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """For each tile about an example: the image, and the boxes and kinds of all examples in it."""
    images, boxes, kinds = [], [], []
    bounds, taken = shown.bounds, np.zeros(len(shown), bool)
    for left, top, right, bottom in bounds:
        side = max(TILE, int(np.ceil(2 * max(right - left, bottom - top))) // 4 * 4)
        row, column = int((top + bottom - side) / 2), int((left + right - side) / 2)
        shift = np.array([column, row, column, row])
        inside = (bounds >= shift).all(1) & (bounds - shift <= side).all(1) & ~taken
        if not inside.any():
            continue
        taken |= inside
        images.append(lens.look(scene, Window(row, column, side, side))[0])
        boxes.append(torch.from_numpy((bounds[inside] - shift).astype(np.float32)))
        kinds.append(torch.from_numpy(shown.kinds[inside].astype(np.int64)))
    return images, boxes, kinds


def scanned(scene: Scene, detect: Detect, lens: Lens, least: float, progress: Callable[[int, int], None]) -> Findings:
    """What is found in all tiles of a scene: of each tile the boxes whose middle lies in it."""
    grid, found = scene.grid, []
    tiles = [(row, column) for row in range(0, grid.height, TILE) for column in range(0, grid.width, TILE)]
    for done, (row, column) in enumerate(tiles):
        window = within(grown(Window(row, column, TILE, TILE), MARGIN), grid.height, grid.width)
        image, any_data = lens.look(scene, window)
        if any_data:
            here = detect(image)
            boxes = here.boxes + torch.tensor([window.column, window.row] * 2)
            middle = (boxes[:, :2] + boxes[:, 2:]) / 2 - torch.tensor([column, row])
            mine = (middle >= 0).all(1) & (middle < TILE).all(1) & (here.scores >= least)
            found.append(Detections(boxes[mine], here.kinds[mine], here.scores[mine]))
        progress(done + 1, len(tiles))
    return joined([findings_of(found, grid.height, grid.width)])


def within(window: Window, height: int, width: int) -> Window:
    """The part of a window that lies on the scene: nothing is looked for beyond."""
    row, column = max(window.row, 0), max(window.column, 0)
    last = min(window.row + window.height, height), min(window.column + window.width, width)
    return Window(row, column, last[0] - row, last[1] - column)


def findings_of(found: list[Detections], height: int, width: int) -> Findings:
    """Boxes of all tiles, without those that overlap a better one of their kind, cut at the scene's edge."""
    boxes, kinds, scores = (torch.cat(column) for column in zip(*found, strict=True))
    stays = suppressed(boxes, scores, OVERLAP, kinds)
    low = boxes[stays, :2].clamp(min=0).double().numpy()
    high = torch.minimum(boxes[stays, 2:], torch.tensor([float(width), float(height)])).double().numpy()
    good = (high > low).all(1)
    shapes = np.asarray(shapely.box(*low[good].T, *high[good].T), dtype=object)
    return Findings.of(shapes, kinds[stays].numpy()[good], scores[stays].double().numpy()[good])

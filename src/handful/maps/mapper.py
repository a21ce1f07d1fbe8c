"""The main job from Python: fit on a scene and labels, predict any scene, as arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import SettingsError
from ..problem import Classes
from ..process import one_thread
from .blocks import blocks
from .fit import Choices, Fitted, fit_map
from .fusion import missing_said
from .grid import Grid
from .keep import load_model, save_model
from .labels import read_labels
from .model import MapModel
from .record import about, kept_of, kinds_of
from .same_scene import check_scene
from .scene import Scene
from .shift import adapted, glance


@dataclass(frozen=True)
class Map:
    """A map in memory, on its scene's grid.

    values         (height, width) class index + 1 (0 no data), or a quantity (NaN no data)
    confidence     (height, width) float32, NaN no data
    trust          (height, width) 1 inside, 2 outside the area of applicability, 0 no data
    probabilities  (classes, height, width) float32, or None for a quantity
    classes        `classes[i]` is the value i + 1; empty for a quantity
    """

    values: np.ndarray
    confidence: np.ndarray
    trust: np.ndarray
    probabilities: np.ndarray | None
    classes: tuple[str, ...]
    grid: Grid


@dataclass
class Mapper:
    """From a handful of labels to a map: `Mapper().fit(scene, labels).predict(scene)`.

    learner        "auto", or one learner by name
    class_column   column of the labels that holds the class; or `target_column`, that of a quantity in `unit`
    labels_crs     CRS of labels that don't say theirs
    bands, sensor, radiometry, mask  how to read scenes, as in `handful map`
    prior          "equal", "labels" or "estimated" shares of the classes
    weights        a checkpoint instead of the shipped weights
    fusion         "early", "late" or "auto": how what lies beside the scene is fused
    augment        changes by which `copies` of the labels' surroundings are made, as in `handful map`
    views          1, or 4 or 8 turned views over which answers are averaged
    seed           of everything that is drawn
    workers        blocks computed at once

    A scene is a path, several co-registered paths, rasterio datasets or xarray DataArrays; labels are a path, a
    GeoDataFrame or an array on the scene's grid. `others` are rasters beside the scene, by name (or "name:kind"), as
    `--with` has them: `fit(scene, labels, others={"radar": "s1.tif"})`. `report` holds what was found while
    fitting, as in run.json.
    """

    learner: str = "auto"
    class_column: str | None = None
    target_column: str | None = None
    unit: str = ""
    labels_crs: Any = None
    bands: Sequence[str] | None = None
    sensor: str | None = None
    radiometry: str | None = None
    mask: Any = None
    prior: str = "equal"
    weights: str | Path | None = None
    fusion: str = "auto"
    augment: Sequence[str] = ()
    copies: int = 4
    views: int = 1
    seed: int = 0
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)

    def fit(self, scene: Any, labels: Any, others: Mapping[str, Any] | None = None) -> Self:
        """Learn from labels on a scene. Raises the errors of `handful map`."""
        one_thread()
        opened = self._open(scene, others)
        read = read_labels(
            labels,
            opened.grid,
            class_column=self.class_column,
            target_column=self.target_column,
            unit=self.unit,
            labels_crs=self.labels_crs,
            seed=self.seed,
        )
        more = {"augment": tuple(self.augment), "copies": self.copies, "views": self.views, "fusion": self.fusion}
        choices = Choices(self.learner, self.seed, self.prior, self.weights, **more)  # type: ignore[arg-type]
        fitted: Fitted = fit_map(opened, read, choices)
        self.model_: MapModel = fitted.model
        self.kept_: dict[str, Any] = kept_of(about(opened, read.problem) | fitted.record)
        self.report: dict[str, Any] = fitted.record | {
            "notes": [*opened.notes, *fitted.labels.notes, *missing_said(fitted.record["missing"])]
        }
        return self

    def predict(self, scene: Any, others: Mapping[str, Any] | None = None, *, adapt: str | None = None) -> Map:
        """Map a scene with the same bands; the same bytes as `handful map` paints. Raises SettingsError for others.

        adapt  "statistics", "coral" or "auto": align the labels' features to this scene first, as `handful apply` does
        """
        one_thread()
        model = self._fitted()
        opened = self._open(scene, others, kinds_of(self.kept_))
        check_scene(opened, model.sight, self.kept_)
        opened = opened.only(model.sight.names)
        if adapt is not None:
            model, _ = adapted(model, glance(opened, model.sight, [m.learner for m in model.blend.members]), adapt)
        grid = opened.grid
        whole = model.blank(grid.window)
        with ThreadPoolExecutor(max(1, self.workers)) as pool:
            every = [block for group in blocks(grid.height, grid.width) for block in group]
            for block, painted in zip(every, pool.map(lambda b: model.paint(opened, b), every), strict=True):
                rows = slice(block.row, block.row + block.height)
                place = (..., rows, slice(block.column, block.column + block.width))
                for target, value in zip(whole, painted, strict=True):
                    if target is not None and value is not None:
                        target[place] = value
        names = model.problem.names if isinstance(model.problem, Classes) else ()
        return Map(whole.map, whole.confidence, whole.trust, whole.probabilities, names, grid)

    def save(self, folder: str | Path) -> None:
        """Keep the fitted model."""
        save_model(self._fitted(), Path(folder), **self.kept_)

    def load(self, folder: str | Path) -> Self:
        """Take a fitted model from a folder: of `save`, or the `model` folder of a finished map."""
        self.model_, record = load_model(folder)
        self.kept_ = kept_of(record)
        return self

    def _fitted(self) -> MapModel:
        if not hasattr(self, "model_"):
            raise SettingsError("this Mapper hasn't seen labels yet: call fit(scene, labels) first.")
        return self.model_

    def _open(self, scene: Any, others: Mapping[str, Any] | None, kinds: Mapping[str, str] | None = None) -> Scene:
        paths = list(scene) if isinstance(scene, list | tuple) else [scene]
        bands = self.bands if isinstance(self.bands, str) else list(self.bands or [])
        return Scene.open(
            paths,
            bands=bands or None,
            sensor=self.sensor,
            radiometry=self.radiometry,
            mask=self.mask,
            others=others or {},
            kinds=kinds,
        )

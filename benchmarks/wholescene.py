"""A scene small enough to be held at once, mapped as `handful map` does, but without its files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from handful.maps.auto import Candidate
from handful.maps.blocks import blocks
from handful.maps.fit import SAMPLE, Choices, fit_map, see
from handful.maps.grid import Window
from handful.maps.judge import ClassJudge
from handful.maps.labels import Labels, read_labels
from handful.maps.members import Blend, Member
from handful.maps.model import MapModel, Smoothing
from handful.maps.scene import Scene
from handful.maps.sight import Sight
from handful.maps.weights import pretrained

Made = tuple[np.ndarray, np.ndarray, float]  # probabilities (classes, height, width), classes' values, temperature


class Whole:
    """A scene with its statistics."""

    def __init__(self, paths: Sequence[Path]):
        torch.set_num_threads(1)
        self.scene = Scene.open([str(path) for path in paths])
        self.grid, self.choices = self.scene.grid, Choices()
        sample, *_ = self.scene.sample(SAMPLE, self.choices.seed)
        self.sight = Sight.of(self.scene.wavelengths, self.scene.dates, sample)
        corners = self.grid.metres(np.array([0, 1]), np.array([0, 0]))
        self.metres = float(np.linalg.norm(corners[1] - corners[0]))

    @property
    def spectra(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Bands (bands, height, width) without NaN, wavelengths and dates: what rivals see."""
        values, _ = self.scene.read(Window(0, 0, self.grid.height, self.grid.width))
        middle = self.sight.middle[:, None, None]
        return np.where(np.isfinite(values), values, middle), self.scene.wavelengths, self.scene.dates

    def map(self, name: str, support: np.ndarray) -> tuple[Made, float]:
        """The map of a learner from a raster of labels (0 unlabelled), and the seconds it took."""
        began = time.monotonic()
        labels = read_labels(support, self.grid)
        model = fit_map(self.scene, labels, self.choices).model if name == "auto" else self.one(name, labels)
        found = np.full((model.problem.outputs, self.grid.height, self.grid.width), np.nan, np.float32)
        for (block,) in blocks(self.grid.height, self.grid.width):
            r, c = slice(block.row, block.row + block.height), slice(block.column, block.column + block.width)
            found[:, r, c] = model.paint(self.scene, block).probabilities
        assert isinstance(model.judge, ClassJudge)
        values = np.array([int(name) for name in model.judge.names])
        return (found, values, model.judge.calibration.temperature), time.monotonic() - began

    def one(self, name: str, labels: Labels) -> MapModel:
        """The model of `--learner name` without folds, which choose the smoothing and temper the confidence only."""
        member = Member(name, pretrained(name, labels.problem.outputs))
        candidate = Candidate(name, (member,))
        labels, seen = see(self.scene, self.sight, labels, [candidate], self.choices, lambda *_: None)
        problem, targets = labels.problem, labels.targets
        blend = Blend.fit([member], seen, np.arange(len(seen)), targets, problem)
        judge = ClassJudge(problem.names)  # type: ignore[union-attr]
        return MapModel(problem, blend, judge, Smoothing(), None, self.sight, seen, targets)

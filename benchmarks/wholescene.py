"""A scene small enough to be held at once, mapped by any learner as `handful map` would, encoded only once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from handful.encoders.windows import cut
from handful.maps.blocks import blocks, grown
from handful.maps.fit import SAMPLE, Choices, fit_map
from handful.maps.grid import Window
from handful.maps.judge import ClassJudge
from handful.maps.labels import Labels, read_labels
from handful.maps.look import encoder_key
from handful.maps.members import certain
from handful.maps.model import Smoothing
from handful.maps.scene import Scene
from handful.maps.sight import Sight
from handful.maps.weights import pretrained
from handful.problem import UNLABELLED
from handful.solvers import rows, unrows
from handful.solvers.smooth import smoothed
from handful.task import Examples

Made = tuple[np.ndarray, np.ndarray, float]  # probabilities (classes, height, width), classes' values, temperature


class Whole:
    """A scene with its statistics, and the features of encoders that adapting leaves as they are."""

    def __init__(self, paths: Sequence[Path]):
        torch.set_num_threads(1)
        self.scene = Scene.open([str(path) for path in paths])
        self.grid, self.choices = self.scene.grid, Choices()
        sample, *_ = self.scene.sample(SAMPLE, self.choices.seed)
        self.sight = Sight.of(self.scene.wavelengths, self.scene.dates, sample)
        self.features: dict[str, torch.Tensor] = {}
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
        made = self.auto(labels) if name == "auto" else self.one(name, labels)
        return made, time.monotonic() - began

    def auto(self, labels: Labels) -> Made:
        """All of `handful map` but its files."""
        fitted = fit_map(self.scene, labels, self.choices)
        model, problem = fitted.model, fitted.labels.problem
        found = np.full((problem.outputs, self.grid.height, self.grid.width), np.nan, np.float32)
        for (block,) in blocks(self.grid.height, self.grid.width):
            r, c = slice(block.row, block.row + block.height), slice(block.column, block.column + block.width)
            found[:, r, c] = model.paint(self.scene, block).probabilities
        assert isinstance(model.judge, ClassJudge)
        return found, values_of(fitted.labels), model.judge.calibration.temperature

    def one(self, name: str, labels: Labels) -> Made:
        """The map of `--learner name` without folds, which choose the smoothing and temper the confidence only."""
        learner = pretrained(name, labels.problem.outputs)
        reach, smooth = int(learner.net.encoder.reach), Smoothing()  # type: ignore[arg-type]
        margin = reach + smooth.reach
        values, valid = self.scene.read(grown(Window(0, 0, self.grid.height, self.grid.width), margin))
        inputs = self.sight.inputs(values[None])
        known = torch.from_numpy(labels.targets)
        if learner.moves_encoder:
            targets = torch.full((1, *valid.shape), UNLABELLED)
            targets[0, labels.rows + margin, labels.columns + margin] = known
            predictor = learner.adapt(Examples(inputs, targets, labels.problem))
            with torch.no_grad():
                answers = cut(certain(predictor, predictor.outputs(inputs)), reach)
        else:
            features = self.encoded(encoder_key(learner), learner, inputs, reach)
            at = features[0, :, labels.rows + smooth.reach, labels.columns + smooth.reach].T
            predictor = learner.adapt(Examples({"features": at}, known, labels.problem))
            with torch.no_grad():
                answers = certain(predictor, predictor.outputs({"features": rows(features)}))
            answers = unrows(answers, tuple(features.shape))
        around = torch.from_numpy(valid)[None, None]
        found = smoothed(answers, cut(around, reach), smooth.sigma, smooth.reach)[0]
        return found.numpy(), values_of(labels), 1.0

    @torch.no_grad()
    def encoded(self, key: str, learner: object, inputs: dict[str, torch.Tensor], reach: int) -> torch.Tensor:
        if key not in self.features:
            self.features[key] = cut(learner.net.encode(inputs), reach)  # type: ignore[attr-defined]
        return self.features[key]


def values_of(labels: Labels) -> np.ndarray:
    """The label raster's value of each class."""
    return np.array([int(name) for name in labels.problem.names])  # type: ignore[union-attr]

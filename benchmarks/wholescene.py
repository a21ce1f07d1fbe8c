"""A scene small enough to be held at once, mapped as `handful map` does, but without its files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from handful.maps.auto import Candidate
from handful.maps.blocks import blocks
from handful.maps.fit import SAMPLE, Choices, candidates_for, fit_map, see
from handful.maps.fusion import way_of
from handful.maps.grid import Window
from handful.maps.judge import ClassJudge
from handful.maps.labels import Labels, read_labels
from handful.maps.look import Readable, look_without
from handful.maps.members import Blend, Member
from handful.maps.model import MapModel, Smoothing
from handful.maps.scene import Scene
from handful.maps.weights import pretrained

Made = tuple[np.ndarray, np.ndarray, float]  # probabilities (classes, height, width), classes' values, temperature


class Whole:
    """A scene with its statistics."""

    def __init__(self, paths: Sequence[Path], others: Mapping[str, Path] | None = None, fusion: str = "auto"):
        torch.set_num_threads(1)
        self.scene = Scene.open([str(path) for path in paths], others=others or {})
        self.grid, self.choices = self.scene.grid, Choices(fusion=fusion)
        self.sight = self.scene.sight(SAMPLE, self.choices.seed)
        corners = self.grid.metres(np.array([0, 1]), np.array([0, 0]))
        self.metres = float(np.linalg.norm(corners[1] - corners[0]))

    @property
    def spectra(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Bands (bands, height, width) without NaN, wavelengths and dates: what rivals see."""
        values, _ = self.scene.only([]).read(Window(0, 0, self.grid.height, self.grid.width))
        middle = self.sight.middle[:, None, None]
        return np.where(np.isfinite(values), values, middle), self.scene.wavelengths, self.scene.dates

    def map(self, name: str, support: np.ndarray) -> tuple[Made, float]:
        """The map of a learner from a raster of labels (0 unlabelled), and the seconds it took."""
        began = time.monotonic()
        labels = read_labels(support, self.grid)
        model = fit_map(self.scene, labels, self.choices).model if name == "auto" else self.one(name, labels)
        return self.painted(model, self.scene), time.monotonic() - began

    def painted(self, model: MapModel, scene: Readable) -> Made:
        """The whole map of a model."""
        found = np.full((model.problem.outputs, self.grid.height, self.grid.width), np.nan, np.float32)
        for (block,) in blocks(self.grid.height, self.grid.width):
            r, c = slice(block.row, block.row + block.height), slice(block.column, block.column + block.width)
            found[:, r, c] = model.paint(scene, block).probabilities
        assert isinstance(model.judge, ClassJudge)
        values = np.array([int(name) for name in model.judge.names])
        return found, values, model.judge.calibration.temperature

    def one(self, name: str, labels: Labels) -> MapModel:
        """The model of `--learner name`, as `without_folds` makes it."""
        member = Member(name, pretrained(name, labels.problem.outputs))
        return self.without_folds(Candidate(name, (member,)), labels)

    def default(self, labels: Labels) -> MapModel:
        """The default of `auto`, the blend of its candidates, fused as was chosen, as `without_folds` makes it."""
        return self.without_folds(candidates_for(self.scene, labels.problem, self.choices)[0], labels)

    def without_folds(self, candidate: Candidate, labels: Labels) -> MapModel:
        """A candidate's model without folds, which choose the smoothing and temper the confidence only."""
        labels, seen = see(self.scene, self.sight, labels, [candidate], self.choices, lambda *_: None)
        learners = [member.learner for member in candidate.members]
        seen = look_without(seen, self.scene, self.sight, learners, labels.rows, labels.columns, every=True)
        problem, targets = labels.problem, labels.targets
        blend = Blend.fit(candidate.members, seen, np.arange(len(seen)), targets, problem)
        judge = ClassJudge(problem.names)  # type: ignore[union-attr]
        sight = self.sight if way_of(candidate) else replace(self.sight, others=())
        return MapModel(problem, blend, judge, Smoothing(), None, sight, seen, targets)

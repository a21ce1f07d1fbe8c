"""The search itself, by one of the detectors: what is found, and what is told about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import SettingsError
from ..maps.cog import similarity_map
from ..maps.job import Clock, Painting
from ..maps.paint import Parts, compute, lay
from ..maps.scene import Scene
from .base_training import trained
from .features import OF_PATCHES, OF_THINGS, open_eye
from .findings import Findings
from .matching import Block, Matcher, boxes_in, polygons_in
from .prototypes import ground_of, means_of, prototypes_of
from .shown import Shown
from .trained import Lens, ready, scanned
from .yardstick import cannot_judge, held_back, measure, unlooked

MATCHING = "matching"
LEAST = {MATCHING: 0.5, "cosine": 0.5, "attention": 0.2}  # score from which on something is found, by detector
DETECTORS = tuple(LEAST)
Progress = Callable[[str, int, int], None]
Told = tuple[Findings, dict[str, Any]]


@dataclass(frozen=True)
class Choices:
    """How to look, and from which score on something is found.

    least  that score; the detector's own where it is None
    base   folder of a trained detector's weights, made there first where there are none
    """

    detector: str = MATCHING
    answer: str = "auto"
    least: float | None = None
    weights: str | None = None
    base: str | None = None
    seed: int = 0

    def check(self) -> None:
        """Raise SettingsError where a detector can't do what is asked of it."""
        if self.detector == MATCHING:
            return
        if self.answer == "polygons":
            raise SettingsError(f"--detector {self.detector} finds boxes only: leave out --as polygons.")
        if self.base is None:
            raise SettingsError(
                f"--detector {self.detector} stands on base training: name a folder for its weights with --base. It is "
                "trained there first where there are none, which takes some minutes."
            )

    @property
    def threshold(self) -> float:
        return LEAST[self.detector] if self.least is None else self.least

    def boxes(self, shown: Shown) -> bool:
        """Whether boxes are found, and not polygons."""
        return self.detector != MATCHING or self.answer == "boxes" or (self.answer == "auto" and shown.boxes)


@dataclass(frozen=True)
class Search:
    """A scene, the examples and the scene that they lie on, and where working files go."""

    scene: Scene
    other: Scene
    shown: Shown
    choices: Choices
    painting: Painting
    output: Path
    clock: Clock
    progress: Progress

    def match(self, key: dict[str, Any]) -> Told:
        """By prototypes: similarity block by block, then what stands out in it."""
        matcher = self.matcher()
        self.clock.stage("examples")
        parts, grid = Parts.of(self.output, key, Block), self.scene.grid
        compute(
            lambda block: matcher.match(self.scene, block),
            grid,
            parts,
            window=self.painting.window,
            workers=self.painting.workers,
            progress=lambda done, total: self.progress("matching", done, total),
        )
        self.clock.stage("matching")
        for _ in lay(grid, parts, parts.folder):
            pass
        raster, boxes, least = parts.folder / "similarity.tif", self.choices.boxes(self.shown), self.choices.threshold
        if boxes:
            findings = boxes_in(raster, grid, self.shown, matcher.yardstick, least, self.outlining)
        else:
            findings = polygons_in(raster, grid, self.shown, least, self.outlining)
        self.clock.stage("outlining")
        similarity_map(raster, self.output / "similarity.tif", self.shown.names)
        told = {"examples": held_back(self.shown, matcher.yardstick), "cannot_judge": cannot_judge(self.shown)}
        return findings, told | {"answer": "boxes" if boxes else "polygons"}

    def matcher(self) -> Matcher:
        """The prototypes of the examples, and how alike they are to each other."""
        other, shown, seed = self.other, self.shown, self.choices.seed
        boxes = self.choices.boxes(shown)
        eye = open_eye(other, OF_THINGS if boxes else OF_PATCHES, seed, self.choices.weights)
        means = means_of(other, eye, shown)
        # a box is compared with what surrounds it, a pixel with what the scene is made of
        ground = torch.zeros_like(means[:1]) if boxes else ground_of(eye.sample, seed)
        yardstick = measure(other, eye, shown, means, ground, self.choices.threshold, seed)
        return Matcher(eye, prototypes_of(means, shown.kinds, len(shown.names), ground, seed), yardstick)

    def outlining(self, done: int, total: int) -> None:
        self.progress("outlining", done, total)

    def scan(self) -> Told:
        """By a trained detector, tile by tile."""
        lens = Lens.of(self.scene, self.choices.seed)
        detector = trained(self.choices.detector, Path(str(self.choices.base)), self.progress)
        self.clock.stage("base training")
        detect = ready(detector, self.other, self.shown, self.choices.seed)
        self.clock.stage("examples")
        findings = scanned(
            self.scene, detect, lens, self.choices.threshold, lambda done, total: self.progress("scanning", done, total)
        )
        self.clock.stage("scanning")
        return findings, {"examples": unlooked(self.shown), "cannot_judge": cannot_judge(self.shown), "answer": "boxes"}

"""A fitted map: everything that turns a block of a scene into its classes or values, how sure, and how trustworthy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch

from ..learner import Learner
from ..problem import Classes, Problem
from ..solvers.align import Moments
from ..solvers.smooth import smoothed
from ..trust.applicability import Applicability
from .blocks import grown
from .grid import Window
from .judge import Judge
from .look import Readable, Seen, encoder_key
from .members import Blend, cut
from .sight import Sight

INSIDE, OUTSIDE = 1, 2  # values of trust.tif; 0 is no data


@dataclass(frozen=True)
class Smoothing:
    """Answers are averaged over neighbours with a Gaussian of `sigma` pixels, cut at `reach`; a sigma of 0 is off."""

    sigma: float = 2.0
    reach: int = 6

    @property
    def margin(self) -> int:
        return self.reach if self.sigma else 0


class Painted(NamedTuple):
    """One block of a map; 0 (or NaN where the values are floats) is no data.

    map            (height, width) class index + 1, or a quantity (float32)
    confidence     (height, width) float32
    trust          (height, width) uint8, 1 inside and 2 outside the area of applicability
    probabilities  (classes, height, width) float32, or None for a quantity
    """

    map: np.ndarray
    confidence: np.ndarray
    trust: np.ndarray
    probabilities: np.ndarray | None


@dataclass(frozen=True)
class Domain:
    """The area of applicability in the most telling features of one encoder.

    key      of the encoder
    columns  (features,) which of its features are compared
    """

    key: str
    columns: np.ndarray
    area: Applicability

    @property
    def told(self) -> tuple[str, torch.Tensor]:
        return self.key, torch.from_numpy(self.columns)

    def inside(self, features: torch.Tensor, own: np.ndarray) -> np.ndarray:
        """Told features (height, width, columns) of a block -> a mask of its `own` pixels (height, width), in order."""
        return self.area.inside(features.numpy()[own])


@dataclass(frozen=True)
class MapModel:
    """Learners fitted on the labels of one scene, with what they saw there, so that they can be fitted again.

    seen, targets  the labels that the members were fitted on
    domain         None where adapting changes the features
    moments        what the whole scene looks like to each encoder; empty where a model of an earlier version is read
    """

    problem: Problem
    blend: Blend
    judge: Judge
    smoothing: Smoothing
    domain: Domain | None
    sight: Sight
    seen: Seen
    targets: np.ndarray
    moments: Mapping[str, Moments] = field(default_factory=dict)

    @property
    def margin(self) -> int:
        """Pixels around a block that its answers depend on."""
        return self.blend.reach + self.smoothing.margin

    @torch.no_grad()  # and no inference mode: some learners descend on what they are asked
    def paint(self, scene: Readable, block: Window) -> Painted:
        """The map of one block. Its bytes depend on the scene and the block alone."""
        values, valid = scene.read(grown(block, self.margin))
        own = valid[self.margin : self.margin + block.height, self.margin : self.margin + block.width]
        if not own.any():
            return self.blank(block)
        told = None if self.domain is None else self.domain.told
        answers, features = self.blend.answer(self.sight.inputs(values[None]), self.blend.reach, told)
        if self.smoothing.sigma:
            around = torch.from_numpy(valid)[None, None]
            around = cut(around, self.blend.reach).expand(len(answers), -1, -1, -1)
            answers = smoothed(answers, around, self.smoothing.sigma, self.smoothing.reach)
        table = answers.flatten(2).numpy()[:, :, own.ravel()]
        return self.fill(own, table, self.trusted(features, own))

    def trusted(self, features: torch.Tensor | None, own: np.ndarray) -> np.ndarray:
        """A mask of the valid pixels that lie in the area of applicability."""
        if self.domain is None:
            return np.ones(int(own.sum()), bool)
        assert features is not None  # the domain's encoder is a member's
        margin = self.smoothing.margin
        return self.domain.inside(features[margin : margin + own.shape[0], margin : margin + own.shape[1]], own)

    def fill(self, own: np.ndarray, table: np.ndarray, inside: np.ndarray) -> Painted:
        """Valid pixels' answers (members, outputs, pixels) laid out on the block."""
        painted = self.blank(Window(0, 0, *own.shape))
        painted.map[own], painted.confidence[own], chances = self.judge.paint(table)
        painted.trust[own] = np.where(inside, INSIDE, OUTSIDE)
        if painted.probabilities is not None:
            painted.probabilities[:, own] = chances
        return painted

    def blank(self, block: Window) -> Painted:
        shape = (block.height, block.width)
        classes = self.problem.outputs if isinstance(self.problem, Classes) else 0
        nothing = np.full(shape, np.nan, np.float32)
        kind = np.uint8 if classes <= 254 else np.uint16
        return Painted(
            np.zeros(shape, kind) if classes else nothing.copy(),
            nothing,
            np.zeros(shape, np.uint8),
            np.full((classes, *shape), np.nan, np.float32) if classes else None,
        )


def domain_key(learners: list[Learner]) -> str | None:
    """The encoder in whose features the area of applicability is drawn: the first that adapting leaves as it is."""
    return next((encoder_key(learner) for learner in learners if not learner.moves_encoder), None)

"""Tasks drawn from regions for meta-training: uneven, cropped, turned, and seen under other light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor

from ..augment import MIXING, steps_of, without
from ..augment.change import are_images, changed
from ..augment.mixing import mixed
from ..errors import SettingsError
from ..region import Region, draw
from ..task import Examples, Task, each

TRIES = 20  # places of a crop before the whole region is taken


@dataclass(frozen=True)
class Sampling:
    """How tasks are drawn from a region.

    shots    fewest and most labels a class in the support; the number is drawn log-uniformly
    queries  most labels a class in the query
    ways     classes of a task, where each region is one class of images; 0 as many as are to be told apart later
    crop     most pixels a side, 0 for the whole region
    augment  changes that every task goes through, images that have one target each on their own: see handful.augment
    """

    shots: tuple[PositiveInt, PositiveInt] = (1, 20)
    queries: PositiveInt = 300
    ways: NonNegativeInt = 0
    crop: NonNegativeInt = 0
    augment: tuple[str, ...] = ("turns",)

    def __post_init__(self) -> None:
        steps_of(self.augment)
        if self.shots[0] > self.shots[1]:
            raise SettingsError(f"shots are {list(self.shots)}: give the fewest, then the most, such as [1, 20].")

    def tasks(self, regions: Sequence[Region], count: int, seed: int, step: int) -> list[Task]:
        """`count` tasks of distinct regions: a function of the seed and the step alone."""
        rng = np.random.default_rng([seed, step])
        chosen = rng.choice(len(regions), count, replace=count > len(regions))
        return [self.task(regions[index], rng) for index in chosen]

    def task(self, region: Region, rng: np.random.Generator) -> Task:
        """One task: a support with the same number of labels a class, and a query of other labels."""
        examples = region.examples
        shots = self.draw_shots(examples, rng)
        dense, problem = examples.targets.dim() > 2, examples.problem
        examples = self.changed(cropped(examples, self.crop, shots + 1, rng), rng, mix=dense)
        chosen = draw(examples, shots, rng)
        asked = draw(replace(examples, targets=problem.blank(examples.targets, ~chosen)), self.queries, rng)
        if not dense:
            examples = mixed(examples, steps_of(self.augment), rng, (chosen, asked))
        support = replace(examples, targets=problem.blank(examples.targets, chosen), base_targets=None)
        return Task(support, replace(support, targets=problem.blank(examples.targets, asked)), region.name)

    def draw_shots(self, examples: Examples, rng: np.random.Generator) -> int:
        """Log-uniform over the range, and fewer where a class has fewer labels: each keeps one for the query."""
        low, high = self.shots
        shots = int(np.exp(rng.uniform(np.log(low), np.log(high + 1))))
        return max(1, min(shots, high, int(examples.counts().min()) - 1))

    def on(self, turns: bool) -> Sampling:
        """As it is for a data set: without turns where an image that is turned is no longer of its class."""
        return self if turns else replace(self, augment=without(self.augment, ["turns"]))

    def plain(self) -> Sampling:
        """Without changes, for validation."""
        return replace(self, augment=())

    def changed(self, examples: Examples, rng: np.random.Generator, mix: bool = True) -> Examples:
        """The same land, turned, mirrored and under other light; each image on its own where it has one target.

        mix  False leaves out what mixes examples, which support and query must not be with each other
        """
        left_out = [] if mix else [*MIXING]
        if not are_images(examples.inputs):
            left_out.append("turns")  # they are there by default
        steps = steps_of(without(self.augment, left_out))
        if not steps:
            return examples
        return changed(examples, steps, rng, together=examples.targets.dim() > 2)  # support and query share the map


def cropped(examples: Examples, side: int, rows: int, rng: np.random.Generator) -> Examples:
    """A square of the region in which each class has at least `rows` labels, or the whole where none is found."""
    shape = examples.targets.shape[-2:]
    if side <= 0 or examples.targets.dim() < 3 or max(shape) <= side:
        return examples
    for _ in range(TRIES):
        top, left = (int(rng.integers(max(1, length - side + 1))) for length in shape)
        inputs = each(examples.inputs, partial(piece, top=top, left=left, side=side))
        part = Examples(inputs, piece(examples.targets, top, left, side), examples.problem)
        if bool((part.counts() >= rows).all()):
            return part
    return examples


def piece(maps: Tensor, top: int, left: int, side: int) -> Tensor:
    """A square of maps (..., height, width); a vector an image (n, d) as it is."""
    return maps[..., top : top + side, left : left + side] if maps.dim() > 2 else maps

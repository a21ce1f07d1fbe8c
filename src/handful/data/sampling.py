"""Tasks drawn from regions for meta-training: uneven, cropped, turned, and seen under other light."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor

from ..errors import SettingsError
from ..region import Region, draw
from ..task import Examples, Inputs, Task, each, stacked

TRIES = 20  # places of a crop before the whole region is taken


@dataclass(frozen=True)
class Sampling:
    """How tasks are drawn from a region.

    shots    fewest and most labels a class in the support; the number is drawn log-uniformly
    queries  most labels a class in the query
    ways     classes of a task, where each region is one class of images; 0 as many as are to be told apart later
    crop     most pixels a side, 0 for the whole region
    augment  turn by quarters and mirror; images that have one target each on their own
    jitter   deviation of a gain of each date, and of each of its bands; a few hundredths, 0 for none
    """

    shots: tuple[PositiveInt, PositiveInt] = (1, 20)
    queries: PositiveInt = 300
    ways: NonNegativeInt = 0
    crop: NonNegativeInt = 0
    augment: bool = True
    jitter: NonNegativeFloat = 0.0

    def __post_init__(self) -> None:
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
        examples = self.changed(cropped(examples, self.crop, shots + 1, rng), rng)
        chosen = draw(examples, shots, rng)
        problem = examples.problem
        rest = replace(examples, targets=problem.blank(examples.targets, ~chosen))
        asked = problem.blank(examples.targets, draw(rest, self.queries, rng))
        support = replace(examples, targets=problem.blank(examples.targets, chosen), base_targets=None)
        return Task(support, replace(support, targets=asked), region.name)

    def draw_shots(self, examples: Examples, rng: np.random.Generator) -> int:
        """Log-uniform over the range, and fewer where a class has fewer labels: each keeps one for the query."""
        low, high = self.shots
        shots = int(np.exp(rng.uniform(np.log(low), np.log(high + 1))))
        return max(1, min(shots, high, int(examples.counts().min()) - 1))

    def on(self, turns: bool) -> Sampling:
        """As it is for a data set: without `augment` where an image that is turned is no longer of its class."""
        return replace(self, augment=self.augment and turns)

    def changed(self, examples: Examples, rng: np.random.Generator) -> Examples:
        """The same land, turned, mirrored and under other light; each image on its own where it has one target."""
        if examples.targets.dim() > 2:
            change = self.change(rng, square=True)  # support and query share the map: it may change its shape
            turned = each(self.lit(examples.inputs, rng), change)
            return replace(examples, inputs=turned, targets=change(examples.targets), base_targets=None)
        if values(examples.inputs).dim() < 4 or not (self.augment or self.jitter):  # rows of a table, or series
            return examples
        return replace(examples, inputs=self.each_changed(examples.inputs, rng))

    def each_changed(self, inputs: Inputs, rng: np.random.Generator) -> Inputs:
        """Images (n, bands, height, width), each turned, mirrored and lit on its own."""
        height, width = values(inputs).shape[-2:]
        found = []
        for place in range(len(values(inputs))):
            change = self.change(rng, square=height == width)
            found.append(each(self.lit(one(inputs, place), rng), change))
        return stacked(found)

    def change(self, rng: np.random.Generator, *, square: bool) -> Callable[[Tensor], Tensor]:
        """A draw of one of the eight turns, or of the four that leave the shape where it isn't square."""
        quarters, mirror = (int(rng.integers(4)), bool(rng.integers(2))) if self.augment else (0, False)
        return partial(turn, quarters=quarters if square else quarters // 2 * 2, mirror=mirror)

    def lit(self, inputs: Inputs, rng: np.random.Generator) -> Inputs:
        return relit(inputs, self.jitter, rng) if self.jitter else inputs


def values(inputs: Inputs) -> Tensor:
    """The bands among the inputs."""
    return inputs["bands"] if isinstance(inputs, Mapping) else inputs


def one(inputs: Inputs, place: int) -> Inputs:
    """One of the images, as a set of its own."""
    return each(inputs, lambda t: t[place : place + 1])


def turn(maps: Tensor, quarters: int, mirror: bool) -> Tensor:
    """Maps (..., height, width) turned and mirrored; a vector an image (n, d) as it is."""
    if maps.dim() < 3:
        return maps
    maps = torch.rot90(maps, quarters, (-2, -1))
    return maps.flip(-1) if mirror else maps


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


def relit(inputs: Inputs, deviation: float, rng: np.random.Generator) -> Inputs:
    """Bands times a gain of their date and one of their own; inputs without dates are one date."""
    bands = values(inputs)
    count = bands.shape[1]
    dates = inputs["dates"][0].numpy() if isinstance(inputs, Mapping) and "dates" in inputs else np.zeros(count, int)
    of_date = rng.normal(0, deviation, int(dates.max()) + 1)[dates]
    gain = torch.from_numpy(np.exp(of_date + rng.normal(0, deviation / 2, count))).to(bands)
    lit = bands * gain[:, None, None]
    return {**inputs, "bands": lit} if isinstance(inputs, Mapping) else lit

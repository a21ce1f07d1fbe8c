"""Families of small tasks on which learning across tasks must help, and the best that anyone could do on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from handful.learner import Learner
from handful.meta_train import Training, meta_train
from handful.problem import Classes, Quantity
from handful.task import Examples, Task

UNSEEN = 10**6  # from here on tasks are numbered that no training draws


def drawing(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


@dataclass(frozen=True)
class Directions:
    """Classes are clouds of deviation 1 around means of their own in two dimensions; others are loud and empty.

    ways, shots, queries  classes of a task, and rows of each in support and query
    noise                 dimensions that say nothing
    far                   deviation of the means, and of what says nothing
    """

    ways: int = 3
    shots: int = 3
    queries: int = 10
    noise: int = 14
    far: float = 3.0

    @property
    def bands(self) -> int:
        return 2 + self.noise

    @property
    def chance(self) -> float:
        return 1 / self.ways

    def __call__(self, number: int) -> Task:
        draw = drawing(number)
        means = self.far * torch.randn(self.ways, 2, generator=draw)
        return Task(self.examples(means, self.shots, draw), self.examples(means, self.queries, draw))

    def examples(self, means: Tensor, count: int, draw: torch.Generator) -> Examples:
        targets = torch.arange(self.ways).repeat(count)
        targets = targets[torch.randperm(len(targets), generator=draw)]
        telling = means[targets] + torch.randn(len(targets), 2, generator=draw)
        empty = self.far * torch.randn(len(targets), self.noise, generator=draw)
        return Examples(torch.cat([telling, empty], 1), targets, Classes(tuple("abcdefghijkl"[: self.ways])))

    def best(self, task: Task) -> Tensor:
        """Bayes' rule where the two dimensions and all deviations are known: the nearest of the shrunken means."""
        known, targets = task.support.inputs[:, :2], task.support.targets
        means = torch.stack([known[targets == c].mean(0) for c in range(self.ways)])
        return torch.cdist(task.query.inputs[:, :2], means / (1 + 1 / (self.shots * self.far**2))).argmin(1)

    def alone(self, task: Task) -> Tensor:
        """What one can say who saw no other task: the nearest mean in all dimensions."""
        means = torch.stack([task.support.inputs[task.support.targets == c].mean(0) for c in range(self.ways)])
        return torch.cdist(task.query.inputs, means).argmin(1)

    def score(self, answers: Tensor, task: Task) -> Tensor:
        return (answers == task.query.targets).float().mean()


@dataclass(frozen=True)
class Sides:
    """Two classes on either side of a line through 0: one label of each says little, the task's information all.

    told  whether the information is the line's direction; else it says nothing
    """

    shots: int = 1
    queries: int = 20
    told: bool = True
    ways: ClassVar[int] = 2
    bands: ClassVar[int] = 2
    chance: ClassVar[float] = 0.5

    def __call__(self, number: int) -> Task:
        draw = drawing(number)
        across = F.normalize(torch.randn(2, generator=draw), dim=0)
        return Task(self.examples(across, self.shots, draw), self.examples(across, self.queries, draw))

    def examples(self, across: Tensor, count: int, draw: torch.Generator) -> Examples:
        targets = torch.arange(2).repeat(count)
        rows = torch.randn(len(targets), 2, generator=draw)
        rows = rows * ((rows @ across).sign() * (2 * targets - 1))[:, None]  # mirrored at 0 where on the other side
        information = (across if self.told else torch.zeros(2)).expand(len(rows), -1)
        return Examples({"bands": rows, "task": information}, targets, Classes(("below", "above")))

    def best(self, task: Task) -> Tensor:
        inputs = task.query.inputs
        return ((inputs["bands"] * inputs["task"]).sum(1) > 0).long()

    def alone(self, task: Task) -> Tensor:
        """What one can say who saw no other task: on which side of both labels' middle."""
        known = task.support.inputs["bands"]
        means = torch.stack([known[task.support.targets == c].mean(0) for c in range(2)])
        return torch.cdist(task.query.inputs["bands"], means).argmin(1)

    def score(self, answers: Tensor, task: Task) -> Tensor:
        return (answers == task.query.targets).float().mean()


@dataclass(frozen=True)
class Waves:
    """Quantities a sin(x) + b cos(x) with a and b of deviation 1: the sinusoids of Finn et al. 2017, one wavelength."""

    shots: int = 5
    queries: int = 20
    deviation: float = 0.1
    bands: ClassVar[int] = 1
    chance: ClassVar[float] = -1.0  # of the answer 0

    def __call__(self, number: int) -> Task:
        draw = drawing(number)
        wave = torch.randn(2, generator=draw)
        return Task(self.examples(wave, self.shots, draw), self.examples(wave, self.queries, draw))

    def examples(self, wave: Tensor, count: int, draw: torch.Generator) -> Examples:
        places = 6 * torch.rand(count, 1, generator=draw) - 3
        heights = self.basis(places) @ wave + self.deviation * torch.randn(count, generator=draw)
        return Examples(places, heights, Quantity("height", "m"))

    def basis(self, places: Tensor) -> Tensor:
        return torch.cat([places.sin(), places.cos()], 1)

    def best(self, task: Task) -> Tensor:
        """The posterior mean where the wavelength and all deviations are known."""
        known = self.basis(task.support.inputs)
        precise = known.T @ known + self.deviation**2 * torch.eye(2)
        return self.basis(task.query.inputs) @ torch.linalg.solve(precise, known.T @ task.support.targets)

    def alone(self, task: Task) -> Tensor:
        """What one can say who saw no other task and no wave: a line, a little held back."""
        known, asked = (F.pad(part.inputs, (0, 1), value=1.0) for part in (task.support, task.query))
        return asked @ torch.linalg.solve(known.T @ known + torch.eye(2), known.T @ task.support.targets)

    def score(self, answers: Tensor, task: Task) -> Tensor:
        """Minus the mean squared error, whose best is about that of the noise."""
        return -(answers - task.query.targets).square().mean()


Family = Directions | Sides | Waves


def score(answers: Callable[[Task], Tensor], family: Family, count: int = 40) -> float:
    """The mean over tasks that no training draws."""
    tasks = [family(UNSEEN + number) for number in range(count)]
    return float(torch.stack([family.score(answers(task), task) for task in tasks]).mean())


def answers(learner: Learner) -> Callable[[Task], Tensor]:
    return lambda task: learner.adapt(task.support).predict(task.query.inputs)


def train(learner: Learner, family: Callable[[int], Task], training: Training) -> None:
    """On tasks numbered from 0 on."""
    count = training.tasks_per_step
    meta_train(learner, lambda step: [family(step * count + i) for i in range(count)], training)

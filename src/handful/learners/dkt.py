"""DKT: a Gaussian process whose kernel stands on learned features."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import few
from ..solvers.kernels import KERNELS, log_marginal, noisy_root, posterior
from ..task import Task


class Process(nn.Module):
    """What all tasks share: size and reach of the kernel, variance of the noise, mean of the targets."""

    def __init__(self, kernel: str, noise: float):
        super().__init__()
        self.kernel = KERNELS[kernel]
        self.log_size, self.log_length = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))
        self.log_noise = nn.Parameter(torch.tensor(noise).log())
        self.mean = nn.Parameter(torch.zeros(()))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """(..., N, D), (..., M, D) -> (..., N, M)"""
        shorter = (-self.log_length).exp()
        return self.log_size.exp() * self.kernel(a * shorter, b * shorter)

    def own(self, a: Tensor) -> Tensor:
        """The kernel of each row with itself: (N, D) -> (N,)"""
        return self(a[:, None], a[:, None]).flatten()


@settings
class DKT(Learner):
    """Patacchiola, Turner, Crowley, O'Boyle & Storkey 2020, arXiv:1910.05199: deep kernel transfer.

    Meta-training makes the negative log marginal likelihood of a task's labels, support and query together, small: no
    inner loop. Classes are numbers -1 and 1, one process a class. Differs: the classes' processes share size, reach,
    noise and mean, so that classes may come in any order; no batch norm before the cosine.

    kernel     'cosine' or 'linear', as the paper has best for classes, or 'radial', as it has for a quantity
    noise      variance of the noise where training begins
    most_rows  labels that are used, a seeded sample of each class where there are more: time grows with their cube
    """

    kernel: Literal["cosine", "linear", "radial"] = "cosine"
    noise: float = Field(default=0.1, gt=0)
    most_rows: int = Field(default=500, ge=2)

    def head(self, encoder: nn.Module) -> nn.Module:
        return Process(self.kernel, self.noise)

    def rooted(self, features: Tensor, targets: Tensor, problem: Problem) -> tuple[Tensor, Tensor, Tensor]:
        """The rows that are used, the factor of their kernel, and their numbers around the mean."""
        process: Process = self.net.head  # type: ignore[assignment]
        kept = few(problem.strata(targets), self.most_rows, self.seed)
        features, numbers = features[kept], problem.as_numbers(targets[kept]).to(features)
        return features, noisy_root(process(features, features), process.log_noise.exp()), numbers - process.mean

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        process: Process = self.net.head  # type: ignore[assignment]
        known, root, numbers = self.rooted(features, targets, problem)

        def decide(rows: Tensor) -> Prediction:
            mean, variance = posterior(root, numbers, process(known, rows), process.own(rows))
            return Prediction(mean + process.mean, (variance + process.log_noise.exp()).expand_as(mean))

        return decide

    def task_loss(self, task: Task) -> Tensor:
        task, problem = self.encoded(task), task.support.problem
        features, targets = map(torch.cat, zip(*map(self.labelled_rows, (task.support, task.query)), strict=True))
        _, root, numbers = self.rooted(features, problem.standardise(targets, self.like(targets)), problem)
        return -log_marginal(root, numbers) / len(numbers)


dkt_radial = partial(DKT, kernel="radial")

"""PCOC: a class is a Gaussian of features whose mean has a learned prior."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import Learner, RowAnswer, settings
from ..problem import Classes, Prediction, Problem
from ..solvers import class_means


class ClassPrior(nn.Module):
    """Mean and precision of a class mean, precision of its features (each by feature), and labels seen before."""

    def __init__(self, width: int, count: float):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(width))
        self.log_precision = nn.Parameter(torch.zeros(width))
        self.log_inner = nn.Parameter(torch.zeros(width))
        self.log_count = nn.Parameter(torch.tensor(count).log())


@settings
class PCOC(Learner):
    """Harrison, Sharma, Finn & Pavone 2020, arXiv:1912.08866: the classifier that MOCA uses, in a task of its own.

    Features of a class are Gaussian around its mean, the mean is Gaussian, class frequencies are Dirichlet; all
    posteriors are closed forms, and the scores are the log of class and features together. Classes only; for a
    quantity see `alpaca`. Differs: classes share one prior, since a task may put them in any order.

    count  labels of each class that the Dirichlet prior counts as seen, where training begins
    """

    count: float = Field(default=1.0, gt=0)
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return ClassPrior(int(encoder.width), self.count)  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        prior: ClassPrior = self.net.head  # type: ignore[assignment]
        counts = torch.bincount(targets, minlength=problem.outputs).to(features)
        start, inner = prior.log_precision.exp(), prior.log_inner.exp()
        precision = start + counts[:, None] * inner  # (classes, width)
        sums = counts[:, None] * class_means(features, targets, problem.outputs)
        means = (start * prior.mean + inner * sums) / precision
        sharp = 1 / (1 / precision + 1 / inner)  # of a new row around the mean
        constant = 0.5 * (sharp.log() - sharp * means.square()).sum(1) + (prior.log_count.exp() + counts).log()
        return lambda rows: Prediction(rows @ (sharp * means).T - 0.5 * rows.square() @ sharp.T + constant)

"""ALPaCA: Bayesian linear regression on learned features, with a learned prior."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem, Quantity
from ..solvers import with_one


class LinearPrior(nn.Module):
    """Mean and precision of the weights, and the deviation of the noise (both with the noise's variance as unit)."""

    def __init__(self, width: int, deviation: float):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(width, 1))  # K0
        self.root = nn.Parameter(torch.eye(width))  # L0: the precision is L0 L0'
        self.log_deviation = nn.Parameter(torch.tensor(deviation).log())


@settings
class ALPaCA(Learner):
    """Harrison, Sharma & Pavone 2018, arXiv:1807.08912: the prior in closed form to the posterior, with a variance.

    Meta-training makes the query's negative log likelihood small. Quantities only; for classes see `pcoc`. Differs: a
    column of ones is added to the features, targets are standardised over the support, and the noise is learned.

    deviation  of the noise where training begins, in deviations of the support's targets
    """

    deviation: float = Field(default=0.5, gt=0)
    problems: ClassVar[tuple[type[Problem], ...]] = (Quantity,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return LinearPrior(int(encoder.width) + 1, self.deviation)  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        prior: LinearPrior = self.net.head  # type: ignore[assignment]
        table, numbers = with_one(features), problem.as_numbers(targets).to(features)
        start = prior.root @ prior.root.T
        precision = table.T @ table + start
        covariance = torch.linalg.inv(precision)
        weights = covariance @ (table.T @ numbers + start @ prior.mean)
        variance = prior.log_deviation.exp().square()

        def answer(rows: Tensor) -> Prediction:
            rows = with_one(rows)
            spread = ((rows @ covariance) * rows).sum(1, keepdim=True)
            return Prediction(rows @ weights, variance * (1 + spread))

        return answer

"""VERSA: a net tells the weights of the last layer, and how sure it is of them, from a class's features."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from ..encoders.perceptron import perceptron
from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import class_means, with_one

SURE = -4.0  # log variance of the weights where training begins: larger, and their noise drowns what they say


class Amortised(nn.Module):
    """Pooled features (outputs, width) to the mean and the log variance of each output's weights and bias."""

    def __init__(self, width: int):
        super().__init__()
        self.mean, self.log_variance = (perceptron([width] * 3 + [width + 1], nn.ELU) for _ in range(2))
        nn.init.constant_(self.log_variance[-1].bias, SURE)  # type: ignore[arg-type]
        self.log_noise = nn.Parameter(torch.zeros(()))  # log variance of a standardised quantity

    def forward(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        return self.mean(pooled), self.log_variance(pooled)


@settings
class Versa(Learner):
    """Gordon, Bronskill, Bauer, Nowozin & Turner 2019, arXiv:1805.09921: section 3, the classifier of each class apart.

    Weights are drawn from the Gaussian that the net gives, and the mean of the chances is the answer; meta-training
    makes its negative log likelihood small. A quantity is ours (the paper's is another task): the net sees the mean of
    features times targets, as for a class, whose target is 1, and the answer has the draws' variance and a learned
    noise. Differs: weights are drawn, not scores, so that a pixel has one answer in every window; the draws' noise goes
    by the order of the classes' pooled features, so that classes may come in any order.

    draws  of the weights, for one answer
    """

    draws: int = Field(default=10, ge=1)

    def head(self, encoder: nn.Module) -> nn.Module:
        return Amortised(int(encoder.width))  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        head: Amortised = self.net.head  # type: ignore[assignment]
        strata = problem.strata(targets)
        own = problem.as_numbers(targets).to(features).gather(1, strata[:, None])
        pooled = class_means(features * own, strata, problem.outputs)
        mean, log_variance = head(pooled)
        weights = mean + (0.5 * log_variance).exp() * self.noise(pooled)  # (draws, outputs, width + 1)

        def decide(rows: Tensor) -> Prediction:
            scores = with_one(rows) @ weights.mT
            return problem.mixture(Prediction(scores, head.log_noise.exp().expand_as(scores)))

        return decide

    def noise(self, pooled: Tensor) -> Tensor:
        """Standard normal numbers (draws, outputs, width + 1): anew in each task of training, else of the seed."""
        draw = None if self.net.training else torch.Generator().manual_seed(self.seed)
        outputs, width = pooled.shape
        numbers = torch.randn(self.draws, outputs, width + 1, generator=draw).to(pooled)
        return numbers[:, pooled.detach().sum(1).argsort().argsort()]

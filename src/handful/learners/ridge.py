"""Ridge regression, solved in closed form, on learned features (R2-D2)."""

from __future__ import annotations

from functools import partial

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import ridge, with_one


class RidgePrior(nn.Module):
    """What is learned with the encoder: penalty, scale of the scores, and where the weights are drawn to."""

    def __init__(self, penalty: float, mean: tuple[int, int] | None):
        super().__init__()
        self.log_penalty = nn.Parameter(torch.tensor(penalty).log())
        self.log_scale = nn.Parameter(torch.tensor(0.0))
        self.mean = nn.Parameter(torch.zeros(mean)) if mean else None


@settings
class Ridge(Learner):
    """Bertinetto, Henriques, Torr & Vedaldi 2019, arXiv:1805.08136, eq. 4 to 6.

    Differs: classes are -1 and 1, not 0 and 1, which with a column of ones is a factor of the scores; these have a
    learned scale but no shift, which a softmax would not see; a quantity is not scaled. `r2d2` is just that. `ridge`
    also weighs rows so that classes with unequal shots have the same say.

    penalty     where the learned penalty of the squared weights begins
    prior_mean  learn the mean that the weights are drawn to, where classes mean the same in every task
    even        classes have the same say, however many labels each has
    """

    penalty: float = Field(default=1.0, gt=0)
    prior_mean: bool = False
    even: bool = True

    def head(self, encoder: nn.Module) -> nn.Module:
        return RidgePrior(self.penalty, (int(encoder.width) + 1, self.outputs) if self.prior_mean else None)  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        prior: RidgePrior = self.net.head  # type: ignore[assignment]
        table, numbers = with_one(features), problem.as_numbers(targets).to(features)
        start = 0.0 if prior.mean is None else prior.mean[:, : problem.outputs]
        penalty = prior.log_penalty.exp()
        if prior.mean is not None:
            numbers = numbers - table @ start
        say = problem.row_weights(targets) if self.even else None
        weights = start + ridge(table, numbers, penalty, say)  # eq. 4 and 5
        scale = prior.log_scale.exp()
        return lambda rows: Prediction(problem.as_scores(torch.addmm(weights[-1], rows, weights[:-1]), scale))  # eq. 6


r2d2 = partial(Ridge, even=False)

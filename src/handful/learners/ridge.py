"""Ridge regression, solved in closed form, on learned features (R2-D2)."""

from __future__ import annotations

import torch
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

    Differs: rows are weighted so that classes with unequal shots have the same say, and the scores have a learned
    scale but no shift, which a softmax would not see; a quantity is not scaled.

    penalty     where the learned penalty of the squared weights begins
    prior_mean  learn the mean that the weights are drawn to, where classes mean the same in every task
    """

    penalty: float = 1.0
    prior_mean: bool = False

    def head(self, encoder: nn.Module) -> nn.Module:
        return RidgePrior(self.penalty, (int(encoder.width) + 1, self.outputs) if self.prior_mean else None)  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        prior: RidgePrior = self.net.head  # type: ignore[assignment]
        table, numbers = with_one(features), problem.as_numbers(targets).to(features)
        start = 0.0 if prior.mean is None else prior.mean[:, : problem.outputs]
        penalty = prior.log_penalty.exp()
        if prior.mean is not None:
            numbers = numbers - table @ start
        weights = start + ridge(table, numbers, penalty, problem.row_weights(targets))  # eq. 4 and 5
        scale = prior.log_scale.exp()
        return lambda rows: Prediction(problem.as_scores(torch.addmm(weights[-1], rows, weights[:-1]), scale))  # eq. 6

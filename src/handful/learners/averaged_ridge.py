"""Ridge regression averaged over penalties: the labels themselves say how far to leave what was learned before."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import with_one
from ..solvers.left_out import ridge_left_out
from .ridge import RidgePrior


class Penalties(RidgePrior):
    """Learned beside the ridge's own: how each penalty is liked, by the number of rows, and the left-out rows' say."""

    def __init__(self, penalty: float, factors: tuple[float, ...], mean: tuple[int, int] | None):
        super().__init__(penalty, mean)
        self.liked = nn.Parameter(-torch.tensor(factors).log().abs())
        self.liked_by_rows = nn.Parameter(torch.zeros(len(factors)))
        self.log_sharpness = nn.Parameter(torch.tensor(0.3).log())


@settings
class AveragedRidge(Learner):
    """R2-D2 (Bertinetto et al. 2019, arXiv:1805.08136) at several penalties, averaged with exponential weights.

    A penalty weighs by its loss on rows left out (Allen 1974), after what was learned to be right for so many rows.

    penalty     where the learned penalty of the squared weights begins
    factors     the penalties that are averaged, as parts of it
    prior_mean  learn the mean that the weights are drawn to, where classes mean the same in every task
    """

    penalty: float = Field(default=1.0, gt=0)
    factors: tuple[float, ...] = (3.0, 1.0, 0.3, 0.1, 0.03)
    prior_mean: bool = False

    def head(self, encoder: nn.Module) -> nn.Module:
        mean = (int(encoder.width) + 1, self.outputs) if self.prior_mean else None  # type: ignore[arg-type]
        return Penalties(self.penalty, self.factors, mean)

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        prior: Penalties = self.net.head  # type: ignore[assignment]
        table, numbers = with_one(features), problem.as_numbers(targets).to(features)
        start = torch.zeros(()) if prior.mean is None else prior.mean[:, : problem.outputs]
        known = torch.zeros(()) if prior.mean is None else table @ start
        scale, found, losses = prior.log_scale.exp(), [], []
        for factor in self.factors:
            weights, left_out = ridge_left_out(
                table, numbers - known, factor * prior.log_penalty.exp(), problem.row_weights(targets)
            )
            found.append(start + weights)
            losses.append(problem.loss(Prediction(problem.as_scores(known + left_out, scale)), targets))
        liked = prior.liked + prior.liked_by_rows * torch.tensor(len(targets) / 8).log()
        share = torch.softmax(liked - prior.log_sharpness.exp() * len(targets) * torch.stack(losses), 0)
        mean = torch.einsum("f,fdk->dk", share, torch.stack(found))
        return lambda rows: Prediction(problem.as_scores(torch.addmm(mean[-1], rows, mean[:-1]), scale))

"""LR-D2: logistic regression by Newton steps on learned features."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import Answer, Learner, RowAnswer, settings
from ..problem import Classes, Prediction, Problem
from ..solvers import with_one
from ..solvers.newton import logistic_steps
from ..task import Examples
from .ridge import RidgePrior


@settings
class LRD2(Learner):
    """Bertinetto, Henriques, Torr & Vedaldi 2019, arXiv:1805.08136, LR-D2: iteratively reweighted least squares.

    The gradient goes through the steps. Several classes are fitted one against rest, and their scores meet in a
    softmax. Classes only: its counterpart for a quantity is `r2d2`. Differs: the scores have a learned scale, as those
    of the same paper's R2-D2.

    penalty  where the learned penalty of the squared weights begins
    steps    Newton steps from weights of 0
    """

    penalty: float = Field(default=1.0, gt=0)
    steps: int = Field(default=5, ge=1)
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return RidgePrior(self.penalty, None)

    def answers(self, support: Examples) -> Iterator[Answer]:
        return map(self.on_rows, self.steps_on(*self.labelled_rows(support), support.problem))

    def steps_on(self, features: Tensor, targets: Tensor, problem: Problem) -> Iterator[RowAnswer]:
        prior: RidgePrior = self.net.head  # type: ignore[assignment]
        yes, scale = (problem.as_numbers(targets) > 0).to(features), prior.log_scale.exp()
        for weights in logistic_steps(with_one(features), yes, prior.log_penalty.exp(), self.steps):
            yield partial(self.scores, weights=weights, scale=scale)

    @staticmethod
    def scores(rows: Tensor, weights: Tensor, scale: Tensor) -> Prediction:
        return Prediction(scale * torch.addmm(weights[-1], rows, weights[:-1]))

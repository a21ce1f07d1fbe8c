"""MetaOptNet: a support vector machine of several classes on learned features."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import Learner, RowAnswer, settings
from ..problem import Classes, Prediction, Problem
from ..solvers import few
from ..solvers.programs import Programme, solution
from .protonet import Temperature

DAMPING = 1e-6  # of the mean of the squared features: rows that are alike would leave the gradient undetermined


@settings
class MetaOptNet(Learner):
    """Lee, Maji, Ravichandran & Soatto 2019, arXiv:1904.03758, with the machine of Crammer & Singer 2001.

    The dual programme is solved by an interior point, and its gradient comes from the conditions for its solution. The
    scores have a learned scale. Classes only.

    cost       C of the machine: how much a row outside its margin costs
    most_rows  rows that the programme takes, a seeded sample of each class where there are more: time grows with the
               cube of rows and of classes
    """

    cost: float = Field(default=0.1, gt=0)
    most_rows: int = Field(default=100, ge=2)
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return Temperature(1.0)

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        kept = few(problem.strata(targets), self.most_rows, self.seed)
        chosen = (problem.as_numbers(targets[kept]) > 0).to(features)
        dual = solution(crammer_singer(features[kept], chosen, self.cost)).view_as(chosen)
        scale: Tensor = self.net.head.factor  # type: ignore[assignment]
        weights = scale * features[kept].T @ dual
        return lambda rows: Prediction(rows @ weights)


def crammer_singer(features: Tensor, chosen: Tensor, cost: float) -> Programme:
    """The dual in (N * K) numbers, a row's after another's; `chosen` (N, K) is 1 for the class of each row, else 0.

    They sum to 0 over a row's classes, and are at most `cost` for its own class and at most 0 for the others.
    """
    count, classes = chosen.shape
    gram = features @ features.T
    gram = gram + DAMPING * gram.diagonal().mean().detach() * torch.eye(count).to(gram)
    sums = torch.kron(torch.eye(count), torch.ones(1, classes)).to(gram)
    below = torch.eye(count * classes).to(gram)
    squares = torch.kron(gram, torch.eye(classes).to(gram))
    flat = chosen.flatten()
    return Programme(squares, -flat, below, cost * flat, sums, gram.new_zeros(count))

"""PT-MAP: features brought near to normal ones, then means and an optimal transport of the query in turn."""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from ..learner import RowAnswer, settings
from ..problem import Classes, Problem
from ..solvers import class_means, squared_distances
from ..solvers.joint import drawn_rows, jointly
from ..solvers.transport import sinkhorn
from .pretrained import Pretrained

LEAST = 1e-6  # added before the power


@settings
class PtMap(Pretrained):
    """Hu, Gripon & Pateux 2021, arXiv:2006.03806. Classes only.

    power      beta, of the power transform (f + 1e-6)^beta
    sharpness  lambda, of the optimal transport
    inertia    alpha: the share of the way that class means go in a step
    steps      of transport and means
    most       rows of the query that move the means, drawn with the seed

    Transport gives each class an equal share of the query, as the paper's tasks have it: where classes are not equally
    frequent that is wrong, and wrong in a map. As in the authors' code, support and query are centred each on its own
    mean, and brought to length 1 before and after. Defaults are that code's.
    Differs: features below 0, which the paper's nets don't have, keep their sign; `most`, for queries that are maps.
    """

    power: float = Field(default=0.5, gt=0)
    sharpness: float = Field(default=10.0, gt=0)
    inertia: float = Field(default=0.2, gt=0, le=1)
    steps: int = Field(default=20, ge=0)
    most: int = Field(default=2048, ge=1)
    transductive: ClassVar[bool] = True
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        return jointly(self.transport, features, targets, problem.outputs)

    def transport(self, features: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        """The logarithm of the plan from rows to classes."""
        support, query = (centred(transformed(table.double(), self.power)) for table in (features, rows))
        some, known = drawn_rows(query, self.most, self.seed), F.one_hot(labels).to(support)
        means = class_means(support, labels, known.shape[1])
        for _ in range(self.steps):
            plan = self.plan(some, means).exp()
            found = (known.T @ support + plan.T @ some) / (known.sum(0) + plan.sum(0))[:, None]
            means = means + self.inertia * (found - means)
        return self.plan(query, means).to(rows)

    def plan(self, rows: Tensor, means: Tensor) -> Tensor:
        shares = rows.new_full((len(means),), len(rows) / len(means))
        return sinkhorn(squared_distances(rows, means), rows.new_ones(len(rows)), shares, sharpness=self.sharpness)


def transformed(rows: Tensor, power: float) -> Tensor:
    """The power transform, then length 1."""
    return F.normalize(rows.sign() * (rows.abs() + LEAST) ** power)


def centred(rows: Tensor) -> Tensor:
    return F.normalize(rows - rows.mean(0))

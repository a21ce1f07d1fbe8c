"""Rows in context: a transformer reads the labelled rows, and every row to answer is seen in the light of them."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from ..encoders.attention import Reader
from ..errors import SettingsError
from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import few, in_parts, ridge, with_one
from .ridge import RidgePrior

ROWS = 4096  # answered at a time: what they attend to is rows x labelled rows


class Context(RidgePrior):
    """What is learned beside the ridge's own: the reader, the penalty and the share of the ridge on what it makes of
    rows, and how all of these go with the number of labelled rows."""

    def __init__(self, penalty: float, reader: Reader):
        super().__init__(penalty, None)
        self.reader = reader
        self.log_context_penalty = nn.Parameter(torch.tensor(0.0))
        self.log_share = nn.Parameter(torch.tensor(-1.0))
        self.by_rows = nn.Parameter(torch.tensor([0.0, 1.0, 0.0, 0.0]))

    def sizes(self, count: int) -> tuple[Tensor, ...]:
        """Penalty, penalty in context, share of the context, scale of the scores, for so many labelled rows."""
        logs = torch.stack([self.log_penalty, self.log_context_penalty, self.log_share, self.log_scale])
        return (logs + self.by_rows * math.log(count / 8)).exp().unbind()


@settings
class InContext(Learner):
    """Two ridges (R2-D2: Bertinetto et al. 2019, arXiv:1805.08136), one on features and one on features in context.

    A transformer over rows (attention: Vaswani et al. 2017, arXiv:1706.03762; learning from a support set in its
    forward pass, as Hollmann et al. 2023, arXiv:2207.01848, do for tables) lets labelled rows read each other, told
    which of them have labels alike, and lets each row to answer read the labelled ones. A ridge on what it makes of
    them is added to the ridge on the features themselves. No label has a column of its own in the net, so any number
    of classes will do and relabelling them relabels the answers; nor does the order of the rows matter, nor what else
    is asked. A quantity's labels are alike by how near they are.

    penalty  where the learned penalty of the ridge on features begins
    width    of a row while it reads, a multiple of `heads`
    layers   of the transformer, with `heads` each
    most     labelled rows that are read; of more, a seeded sample of each class (and then their order matters), while
             the ridge on the features takes all
    """

    penalty: float = Field(default=1.0, gt=0)
    width: int = Field(default=64, ge=1, le=4096)
    layers: int = Field(default=3, ge=0, le=64)
    heads: int = Field(default=4, ge=1, le=64)
    most: int = Field(default=400, ge=1)

    def head(self, encoder: nn.Module) -> nn.Module:
        if self.width % self.heads:
            raise SettingsError(f"width is {self.width} with {self.heads} heads: give a multiple of them.")
        return Context(self.penalty, Reader(int(encoder.width), self.width, self.layers, self.heads))  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        head: Context = self.net.head  # type: ignore[assignment]
        penalty, in_context, share, scale = head.sizes(len(targets))
        weights = fitted(features, targets, problem, penalty)
        some = few(problem.strata(targets), self.most, self.seed)
        known, numbers = targets[some], problem.as_numbers(targets[some]).to(features)
        read, look = head.reader.read(features[some], numbers, problem.row_weights(known).to(features))
        beyond = fitted(read, known, problem, in_context)

        def answer(rows: Tensor) -> Tensor:
            return with_one(rows) @ weights + share * (with_one(look(rows)) @ beyond)

        return lambda rows: Prediction(problem.as_scores(in_parts(answer, rows, ROWS), scale))


def fitted(rows: Tensor, targets: Tensor, problem: Problem, penalty: Tensor) -> Tensor:
    """The ridge's weights (width + 1, outputs), each class with the same say."""
    return ridge(with_one(rows), problem.as_numbers(targets).to(rows), penalty, problem.row_weights(targets))

"""Relation Network: learn how to compare, not only what to compare."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..encoders.relation import relation_of
from ..learner import Learner, RowAnswer, settings
from ..problem import Classes, Prediction, Problem
from ..solvers import class_means, rows
from ..solvers.pairs import pairwise
from ..task import Task


@settings
class Relation(Learner):
    """Sung, Yang, Zhang, Xiang, Torr & Hospedales 2018, arXiv:1711.06025, section 3. Classes only.

    A class is the sum of its examples' features. A learned module gives the relation score of a class and an example,
    between 0 and 1, and the squared error of these scores to 1 (its class) and 0 (the others) is made small. Answers
    are the log-odds of the scores.

    hidden  units of the module's first layer after its convolutions

    The paper's form, for Omniglot: encoder 'conv4' with side = 28, halvings = 2 and batch_norm; then features are maps
    and the module is convolutional. Differs there: all convolutions keep the size of the maps, the paper's first two
    don't, and without batch_norm the normalisation is over an image or a pair. For rows without a shape (pixels,
    averaged maps) the module is a layer instead of convolutions, which is ours. And one class of K is right, so
    log-odds begin at those of 1 / K: from scores of a half the first thing learned is to say 1 / K of every pair, and a
    module of ten classes or more stays there for thousands of steps.
    """

    hidden: int = Field(default=8, ge=1)
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return relation_of(encoder, self.hidden)

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        counts = torch.bincount(targets, minlength=problem.outputs)
        sums = class_means(features, targets, problem.outputs) * counts[:, None]
        known = math.log(max(1, problem.outputs - 1))  # before a look each class has a chance of 1 / K
        return lambda rows: Prediction(pairwise(lambda row, total: self.net.head(total, row) - known, rows, sums))

    def task_loss(self, task: Task) -> Tensor:
        """The mean squared error of the query's relation scores."""
        task = self.encoded(task)
        problem, targets = task.query.problem, task.query.targets.flatten()
        known = problem.labelled(targets)
        scores = rows(self.adapt(task.support).outputs(task.query.inputs).mean)[known].sigmoid()
        truth = F.one_hot(targets[known], problem.outputs).to(scores)
        return (scores - truth).square().sum() / max(1, truth.numel())

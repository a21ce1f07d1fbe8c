"""Conditional neural process: what was seen is the mean of encoded pairs, and a decoder answers from it."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..encoders.process import Process
from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import class_means, in_parts


@settings
class Cnp(Learner):
    """Garnelo et al. 2018, arXiv:1807.01613, eq. 1 to 3: r_i = h(x_i, y_i), r their mean, the answer is g(x, r).

    Pairs of a class have a mean of their own, and the decoder is given all of them side by side (the paper's section
    on classification); a quantity has one mean, and a mean and variance as its answer. The columns of a fixed head
    belong to classes by their order, so that relabelling changes the answers. For classes the variance says nothing.
    Differs: a label is told as 1 beside -1; the deviation is at least 0.1, as in the authors' example code, of
    standardised quantities.

    width  units of every layer
    """

    width: int = Field(default=128, ge=1)
    column_a_class: ClassVar[bool] = True

    def head(self, encoder: nn.Module) -> nn.Module:
        return Process(int(encoder.width), self.outputs, self.width)  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        process: Process = self.net.head  # type: ignore[assignment]
        numbers = problem.as_numbers(targets).to(features)
        told = F.pad(numbers, (0, self.outputs - problem.outputs))
        pairs = process.pairs(torch.cat([features, told], dim=1))  # eq. 1
        seen = class_means(pairs, problem.strata(targets), problem.outputs)  # eq. 2

        def answer(some: Tensor) -> Tensor:
            return process(some, seen)  # eq. 3

        return lambda rows: Prediction(*in_parts(answer, rows, 4096).unbind(1))

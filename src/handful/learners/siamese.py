"""Siamese network: learn whether two examples are of one class; the class of the surest pair is the answer."""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from ..learner import Learner, RowAnswer, settings
from ..problem import Classes, Prediction, Problem
from ..solvers.pairs import best_of_class, pairwise
from ..task import Task

VERDICTS = Classes(("of different classes", "of one class"))


class WeighedDistance(nn.Module):
    """The log-odds that two rows are of one class: a weighted sum of |difference| in each feature, and a shift.

    (P, width), (P, width) -> (P,)
    """

    def __init__(self, width: int):
        super().__init__()
        self.weigh = nn.Linear(width, 1)

    def forward(self, rows: Tensor, others: Tensor) -> Tensor:
        return self.weigh((rows - others).abs())[:, 0]


@settings
class Siamese(Learner):
    """Koch, Zemel & Salakhutdinov 2015 (ICML deep learning workshop), section 3. Classes only.

    Verification: p = sigmoid(sum_j alpha_j |h_j(x) - h_j(x')|), trained by cross-entropy on pairs; then N-way, the
    class with the highest p. Scores are log-odds.

    Differs: all pairs of a support and a query example, weighted so that both verdicts have the same say, where the
    paper draws as many of each; the sum has a shift, without which equal examples could not be surer than 1/2; of more
    than one shot the best pair of a class counts; any encoder, without the paper's last layer of sigmoids.
    """

    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return WeighedDistance(int(encoder.width))  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        return lambda rows: Prediction(best_of_class(pairwise(self.net.head, rows, features), targets, problem.outputs))

    def task_loss(self, task: Task) -> Tensor:
        """Cross-entropy of whether a support and a query example are of one class."""
        task = self.encoded(task)
        (known, classes), (asked, truth) = self.labelled_rows(task.support), self.labelled_rows(task.query)
        same = (truth[:, None] == classes).flatten().long()
        scores = pairwise(self.net.head, asked, known).flatten()
        weights = VERDICTS.row_weights(same)
        total = F.binary_cross_entropy_with_logits(scores, same.to(scores), weights, reduction="sum")
        return total / max(1, len(same))

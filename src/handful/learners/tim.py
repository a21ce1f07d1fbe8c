"""TIM: answers to all of the query at once, sure of each and balanced over all (mutual information)."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from ..learner import RowAnswer, settings
from ..problem import Classes, Problem
from ..solvers.information import Information
from ..solvers.joint import drawn_rows, jointly
from .pretrained import Pretrained


@settings
class Tim(Pretrained):
    """Boudiaf, Masud, Rony, Dolz, Piantanida & Ben Ayed 2020, arXiv:2008.11297. Classes only.

    Class vectors start at the support's means and make small lambda times the support's cross-entropy, minus the
    entropy of the query's mean answer, plus alpha times the mean entropy of its answers. Features have length 1.

    solver     'gradient' (TIM-GD, Adam) or 'alternating' (TIM-ADM, closed forms in turn)
    steps      of the solver; those of Adam are of `step_size`
    sharpness  tau, of the softmax
    of_labels  lambda
    of_doubt   alpha
    most       rows of the query that are optimised together, drawn with the seed; all are answered with what comes out

    A query whose classes are far from equally frequent is pulled towards balance: the paper's tasks are balanced.
    Differs: `most`, for queries that are maps.
    """

    solver: Literal["gradient", "alternating"] = "gradient"
    steps: int = Field(default=1000, ge=0)
    step_size: float = Field(default=1e-4, gt=0)
    sharpness: float = Field(default=15.0, gt=0)
    of_labels: float = Field(default=0.1, ge=0)
    of_doubt: float = Field(default=0.1, ge=0)
    most: int = Field(default=2048, ge=1)
    transductive: ClassVar[bool] = True
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        return jointly(self.maximise, features, targets, problem.outputs)

    def maximise(self, features: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        """Scores of the rows, with the class vectors that the solver ends at."""
        query, support = F.normalize(rows), F.normalize(features)
        some, known = drawn_rows(query, self.most, self.seed), F.one_hot(labels).to(support)
        task = Information(support, known, some, self.sharpness, self.of_labels, self.of_doubt)
        gradient = self.solver == "gradient"
        *_, vectors = task.descend(self.steps, self.step_size) if gradient else task.alternate(self.steps)
        return task.scores(query, vectors)


tim_adm = partial(Tim, solver="alternating", steps=150)

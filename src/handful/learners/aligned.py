"""The pool, its rows first brought to the statistics of what is asked about."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

import torch

from ..learner import settings
from ..problem import Prediction, Problem
from ..solvers.align import ALIGNMENTS, Across, Moments
from .pooled import Pooled


@settings
class Aligned(Pooled):
    """CORAL (Sun, Feng & Saenko 2016, arXiv:1511.05547), or the mean and deviation of each feature alone.

    The rows of other regions get the query's covariance, or its statistics, before an estimator is fitted to them; the
    query's labels are never seen. The support stays as it is, being of the query's region.

    method  'coral', or 'statistics': the mean and deviation, as AdaBN takes them in each batch norm (Li et al. 2016,
            arXiv:1603.04779); here once, on features

    Differs: many regions are one source; the paper's classifier is a linear support vector machine, here any.
    """

    method: Literal["coral", "statistics"] = "coral"
    transductive: ClassVar[bool] = True

    def across(self, places: Across, problem: Problem) -> Prediction:
        rows = places.known
        if bool(places.pooled.any()):
            move = ALIGNMENTS[self.method](Moments.of(rows[places.pooled]), Moments.of(places.query))
            rows = torch.where(places.pooled[:, None], move(rows), rows)
        return self.solve(rows, places.targets, problem)(places.query)


align_statistics = partial(Aligned, method="statistics")

"""The pool, its rows first brought to the statistics of what is asked about."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ..learner import Answer, settings
from ..problem import Prediction
from ..solvers.align import ALIGNMENTS, Moments
from ..task import Examples
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

    def fit(self, support: Examples) -> Answer:
        features, targets = self.labelled_rows(support)
        pooled: Tensor = support.inputs["pooled"]  # type: ignore[index, call-overload]

        def decide(rows: Tensor) -> Prediction:
            if not bool(pooled.any()):
                return self.solve(features, targets, support.problem)(rows)
            move = ALIGNMENTS[self.method](Moments.of(features[pooled]), Moments.of(rows))
            moved = torch.where(pooled[:, None], move(features), features)
            return self.solve(moved, targets, support.problem)(rows)

        return self.on_rows(decide)


align_statistics = partial(Aligned, method="statistics")

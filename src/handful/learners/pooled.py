"""The pool: labelled rows of the regions learned from, to which a task adds its own; an estimator is fitted to them."""

from __future__ import annotations

import hashlib

from pydantic import Field
from torch import Tensor

from ..learner import RowAnswer, settings
from ..problem import Problem
from .classical import Classical, Kind
from .keeps_rows import KeepsRows

FITTED: dict[bytes, RowAnswer] = {}  # the last one of this process, by what it was fitted on


@settings
class Pooled(KeepsRows):
    """An estimator of scikit-learn on the regions' rows and the support's, where answers mean the same everywhere.

    The estimator is fitted anew for each task, about half a second for 2,000 rows and 100 trees; where `weight` is 0,
    one fit serves all tasks.

    estimator, trees, strength, standard  as of the estimators without a pool
    """

    estimator: Kind = "extra_trees"
    trees: int = Field(default=100, ge=1)
    strength: float = Field(default=1.0, gt=0)
    standard: bool = True

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        made = Classical(
            encoder="plain", estimator=self.estimator, trees=self.trees, strength=self.strength,
            standard=self.standard, seed=self.seed,
        )  # fmt: skip
        told = [repr((made, problem)).encode(), *(t.detach().cpu().numpy().tobytes() for t in (features, targets))]
        key = hashlib.sha256(b"".join(told)).digest()
        if key not in FITTED:
            FITTED.clear()
            FITTED[key] = made.solve(features, targets, problem)
        return FITTED[key]

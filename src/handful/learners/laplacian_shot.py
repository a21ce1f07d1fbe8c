"""LaplacianShot: nearest class means, and neighbours in the query that agree."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from ..learner import RowAnswer, settings
from ..problem import Classes, Problem
from ..solvers import class_means, squared_distances
from ..solvers.classifier import BaseClassifier, Form
from ..solvers.joint import drawn_places, jointly
from ..solvers.laplacian import agreed, neighbours
from .pretrained import Pretrained
from .simpleshot import SimpleShot


@settings
class LaplacianShot(Pretrained):
    """Ziko, Dolz, Granger & Ben Ayed 2020, arXiv:2006.15486. Classes only.

    Each row of the query costs a_q = squared distances to the class means; soft labels are lowered in
    sum y log y + a_q y_q - strength / 2 sum w_qp y_q y_p by a bound, all rows at once; w is 1 for neighbours.

    form      of the features, as in SimpleShot
    nearest   neighbours of a row, at most
    strength  lambda of the Laplacian; the paper chooses it on validation classes from 0.1 to 1, so tune it
    steps     of the bound
    most      rows of the query that agree among each other, drawn with the seed; any other takes one step towards its
              neighbours among them

    `nearest` doesn't count the row itself, as the authors' code does, whose 3 are 2 here.
    Differs: a row has no more neighbours than there are others of its class where the query's classes are of one size
    (the paper's 75 rows of 5 ways have 14 for 3): of 8 rows of 4 classes two neighbours in three are of other classes,
    and pull the whole query to one answer. The affinity is the mean of both directions of nearest neighbours, which is
    what the objective sees of it; class means are the support's, not rectified by the query; `most`, for queries that
    are maps.
    """

    form: Form = "cl2n"
    nearest: int = Field(default=3, ge=1)
    strength: float = Field(default=0.5, ge=0)
    steps: int = Field(default=20, ge=0)
    most: int = Field(default=2048, ge=1)
    transductive: ClassVar[bool] = True
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    head = SimpleShot.head

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        return jointly(self.agree, features, targets, problem.outputs)

    def agree(self, features: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        """The logarithm of the rows' soft labels."""
        base: BaseClassifier = self.net.head  # type: ignore[assignment]
        means = class_means(base.transformed(features, self.form), labels, int(labels.max()) + 1)
        query = base.transformed(rows, self.form)
        places = drawn_places(query, self.most, self.seed)
        some = query[places]
        count = max(0, min(self.nearest, len(some) // len(means) - 1))
        near = neighbours(some, some, count, apart=True)
        *_, known = agreed(squared_distances(some, means), near, strength=self.strength, steps=self.steps)
        if len(some) == len(query):
            return known
        pulled = known.exp()[neighbours(query, some, count)].sum(1)
        others = (self.strength * pulled - squared_distances(query, means)).log_softmax(1)
        return others.index_copy(0, places, known)

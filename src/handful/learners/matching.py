"""Matching Networks: the answer is an average of the support's labels, weighted by attention."""

from __future__ import annotations

from functools import partial

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..encoders.full_context import FullContext
from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import in_drawn_order


@settings
class Matching(Learner):
    """Vinyals, Blundell, Lillicrap, Kavukcuoglu & Wierstra 2016, arXiv:1606.04080, eq. 1 and section 2.1.1.

    reads   attention steps of full-context embeddings (K of the appendix); 0 leaves them out
    factor  of the cosines; 1 is the paper's. With it no answer of five gets more than .65, most less, and training
            hardly tells near from far: Chen et al. 2019 (arXiv:1904.04232) take 100

    Attention is a softmax of cosines. Scores are the logarithms of the probabilities
    of eq. 1; for a quantity its weighted mean. Full-context embeddings read the support as a sequence: its order is
    drawn, anew while meta-training, so that it tells nothing.
    """

    reads: int = Field(default=0, ge=0)
    factor: float = Field(default=1.0, gt=0)

    def head(self, encoder: nn.Module) -> nn.Module:
        return FullContext(int(encoder.width), self.reads) if self.reads else nn.Identity()  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        head, support = self.net.head, features
        if isinstance(head, FullContext):
            features, targets = in_drawn_order(features, targets, None if self.net.training else self.seed)
            support = head.of_support(features)

        def decide(rows: Tensor) -> Prediction:
            embedded = head.of_query(rows, support) if isinstance(head, FullContext) else rows
            attention = (self.factor * F.normalize(embedded) @ F.normalize(support).T).log_softmax(1)  # section 2.1.1
            return Prediction(problem.from_log_shares(attention, targets))  # eq. 1

        return decide


matching_fce = partial(Matching, reads=5)

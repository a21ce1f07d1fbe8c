"""Alpha MAML: MAML whose step sizes, inner and outer, are corrected while it is trained."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn, tensor

from ..learner import settings
from ..solvers import Weights
from .meta_sgd import MetaSgd


@settings
class AlphaMaml(MetaSgd):
    """Behl, Baydin & Torr 2019, arXiv:1905.07435: both step sizes by hypergradient descent (Baydin et al. 2018).

    The inner one, alpha, goes down its gradient of the query's loss, which after one step is minus the product of the
    query's slope, after the step, with the support's, before it; for more steps it is the whole derivative. The outer
    one is the training's: optimizer = "sgd", schedule = "constant" and its own `rate_step_size`; with another optimizer
    it stays as that has it, and alpha follows that one's rule. A `clip`, a warm-up or a weight decay would change what
    both descend by, so a recipe sets clip = 1e9, warm_up = 0, weight_decay = 0. Derived from the paper's description;
    the sizes of both corrections are ours.

    step_size       where alpha begins
    rate_step_size  of alpha's own descent
    """

    steps: int = Field(default=5, ge=0)
    rate_step_size: float = Field(default=1e-3, ge=0)

    def first_sizes(self, weights: list[nn.Parameter]) -> list[Tensor]:
        return [tensor(self.step_size)]

    def sizes(self) -> Weights:
        (alpha,) = self.net.head.sizes  # type: ignore[misc, union-attr]
        return {name: self.learned(alpha) for name, w in self.net.named_parameters() if w is not alpha}

    def own_step_sizes(self) -> dict[str, float]:
        return {"head.sizes.0": self.rate_step_size}

"""Meta-SGD: MAML that learns the size of the step of every weight as well."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, full, nn

from ..learner import settings
from ..solvers import Rule, Weights, plain
from ..task import Examples
from .maml import Maml


class RatedLinear(nn.Linear):
    """A linear layer, with learned step sizes beside it."""

    sizes: nn.ParameterList


@settings
class MetaSgd(Maml):
    """Li, Zhou, Chen & Li 2017, arXiv:1707.09835, eq. 2 and algorithm 1: theta' = theta - alpha * slope, elementwise.

    Alpha is learned with theta by the same outer steps; its signs are free, so that it turns the slope too.

    steps      one, as in the paper
    step_size  where every element of alpha begins
    """

    steps: int = Field(default=1, ge=0)

    def head(self, encoder: nn.Module) -> nn.Module:
        layer = RatedLinear(int(encoder.width), self.outputs)  # type: ignore[arg-type]
        layer.sizes = nn.ParameterList(self.first_sizes([*encoder.parameters(), *layer.parameters()]))
        return layer

    def first_sizes(self, weights: list[nn.Parameter]) -> list[Tensor]:
        return [full(w.shape, self.step_size) for w in weights]

    def start(self, support: Examples) -> Weights:
        sized = self.sizes()
        return {name: w for name, w in super().start(support).items() if name in sized}

    def sizes(self) -> Weights:
        """The learned step sizes, by the weights that they are for; these come first of all that is learned."""
        learned = zip(self.net.named_parameters(), self.net.head.sizes, strict=False)  # type: ignore[arg-type]
        return {name: self.learned(size) for (name, _), size in learned}

    def rule(self) -> Rule:
        return plain(self.sizes())

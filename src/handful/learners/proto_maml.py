"""Proto-MAML: MAML whose last layer begins as the class means of the support set."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

from torch import Tensor, nn, zeros

from ..learner import settings
from ..problem import Classes, Problem
from ..solvers import Weights, class_means
from ..task import Examples
from .maml import Maml


class Slot(nn.Module):
    """A linear layer that is filled anew for each task: nothing of it is learned or kept."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", zeros(0), persistent=False)
        self.register_buffer("bias", zeros(0), persistent=False)

    def forward(self, table: Tensor) -> Tensor:
        return nn.functional.linear(table, self.weight, self.bias)  # type: ignore[arg-type]


@settings
class ProtoMaml(Maml):
    """Triantafillou et al. 2020, arXiv:1903.03096, who call it Proto-MAML. Classes only.

    The first layer's scores are those of ProtoNet (Snell et al. 2017, eq. 8): w = 2 c and b = -|c|^2 of the class means
    c. The gradient flows through that beginning to the encoder. So there may be any number of classes, in any order.

    moves  '' all, 'head.' the last layer alone
    """

    moves: Literal["", "head."] = ""
    column_a_class: ClassVar[bool] = False
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return Slot()

    def start(self, support: Examples) -> Weights:
        means = class_means(*self.labelled_rows(support), support.problem.outputs)
        first = {"head.weight": 2 * means, "head.bias": -means.square().sum(1)}
        # copies: else the steps' slopes of the encoder would run through the means as well
        return {name: w.clone() for name, w in super().start(support).items()} | {
            name: self.learned(w) for name, w in first.items() if name.startswith(self.moves)
        }


first_order_proto_maml = partial(ProtoMaml, second_order=False)

"""CAVIA: only a small context moves with a task; all weights stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn, zeros_like

from ..encoders.named import linear_head, place, with_spread
from ..learner import Answer, Learner, Net, settings
from ..solvers import Weights, answering, descent, plain, support_loss
from ..task import Examples

SPREAD = 0.5  # of the modulation's weights at first


@settings
class Cavia(Learner):
    """Zintgraf, Shiarlis, Kurin, Hofmann & Whiteson 2019, arXiv:1810.03642: steps from a context of zeros.

    On `conv4` the context modulates (FiLM) the third layer, before its ReLU, as in the paper's experiments on images;
    other encoders have no place for it, so there it modulates the head's input, and the features stay.
    Differs: where the context is 0 the modulation begins as the identity, and pooling follows it. In the authors' code
    its factors begin near 0, and a batch norm after them makes much of any step; here its weights begin as large as
    that needs, for with PyTorch's own the context moves no answer, and nothing is learned.
    The head's columns tell classes apart, as MAML's do.

    context       length of the context
    steps         gradient steps on the support set, by the context alone
    step_size     their size
    second_order  False drops the gradient of the gradient while meta-training
    """

    context: int = Field(default=100, ge=1)
    steps: int = Field(default=2, ge=0)
    step_size: float = Field(default=1.0, gt=0)
    second_order: bool = True
    column_a_class: ClassVar[bool] = True

    @property
    def named(self) -> dict[str, int]:
        return {"context": self.context}

    def fresh_net(self) -> Net:
        return with_spread(super().fresh_net(), SPREAD, self.seed)

    @property
    def moves_encoder(self) -> bool:
        return self.own_statistics or place(self.net.encoder, "context") is not None

    def head(self, encoder: nn.Module) -> nn.Module:
        return linear_head(encoder, self.outputs, self.context)

    def answers(self, support: Examples) -> Iterator[Answer]:
        where = str(place(self.net, "context"))
        start = {where: zeros_like(self.net.get_buffer(where))}
        twice, rule = self.second_order and self.net.training, plain(self.step_size)

        def loss(context: Weights, step: int) -> Tensor:
            return support_loss(self.net, context, support)

        contexts = descent(loss, start, steps=self.steps, rule=rule, second_order=twice)
        return (answering(self.net, context) for context in contexts)

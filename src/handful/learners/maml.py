"""MAML: learn weights from which a few gradient steps on the support set are enough."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn

from ..learner import Answer, Learner, settings
from ..solvers import Rule, Weights, answering, descent, moving, plain, support_loss
from ..task import Examples


@settings
class Maml(Learner):
    """Finn, Abbeel & Levine 2017, arXiv:1703.03400, algorithm 1.

    The columns of the head differ from each other before adaptation, so classes in another order are another task.

    steps         gradient steps on the support set
    test_steps    the same after meta-training, 0 for as many
    step_size     their size, alpha of the algorithm
    second_order  False drops the gradient of the gradient while meta-training (section 5.2)
    checkpointed  while meta-training keep no step in memory, but take each again when the gradient comes back: the same
                  gradient, slower, in the memory of one step
    moves         prefix of the weights that the steps move: '' all, 'head.', 'encoder.'
    """

    steps: int = Field(default=5, ge=0)
    test_steps: int = Field(default=0, ge=0)
    step_size: float = Field(default=0.1, gt=0)
    second_order: bool = True
    checkpointed: bool = False
    moves: str = ""
    column_a_class: ClassVar[bool] = True

    def head(self, encoder: nn.Module) -> nn.Module:
        return nn.Linear(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    def answers(self, support: Examples) -> Iterator[Answer]:
        for step, weights in enumerate(self.descent(support)):
            yield self.answer(weights, step)

    def descent(self, support: Examples) -> Iterator[Weights]:
        return descent(
            lambda weights, step: support_loss(self.net, weights | self.of_step(step), support),
            self.start(support),
            steps=self.steps if self.net.training else self.test_steps or self.steps,
            rule=self.rule(),
            second_order=self.keeps_graph(),
            again=self.net if self.checkpointed else None,
        )

    def start(self, support: Examples) -> Weights:
        """The weights that move, where they begin."""
        return moving(self.net, self.moves)

    def learned(self, weight: Tensor) -> Tensor:
        """A weight as it is used: nothing flows back to the learner unless it is training."""
        return weight if self.net.training else weight.detach()

    def rule(self) -> Rule:
        return plain(self.step_size)

    def keeps_graph(self) -> bool:
        """Whether the gradients of the steps keep their graph: second derivatives, while training."""
        return self.second_order and self.net.training

    def of_step(self, step: int) -> Weights:
        """Weights that a step has of its own and doesn't move."""
        return {}

    def answer(self, weights: Weights, step: int) -> Answer:
        """A function of inputs, from weights after so many steps."""
        return answering(self.net, weights | self.of_step(max(0, step - 1)))


first_order_maml = partial(Maml, second_order=False)
# Raghu, Raghu, Bengio & Vinyals 2020, arXiv:1909.09157: the steps move the head alone
anil = partial(Maml, moves="head.")
# Oh, Yoo, Kim & Yun 2021, arXiv:2008.08882: the steps move all but the head
boil = partial(Maml, moves="encoder.")

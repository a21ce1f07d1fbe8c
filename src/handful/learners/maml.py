"""MAML: learn weights from which a few gradient steps on the support set are enough."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pydantic import Field
from torch import nn
from torch.func import functional_call

from ..learner import Answer, Learner, Predictor, settings
from ..problem import Prediction
from ..solvers import Weights, descent
from ..task import Examples


@settings
class Maml(Learner):
    """Finn, Abbeel & Levine 2017, arXiv:1703.03400, eq. 1 (inner step) and algorithm 1.

    steps         gradient steps on the support set
    step_size     their size, alpha of eq. 1
    second_order  False drops the gradient of the gradient while meta-training (section 5.2)
    moves         prefix of the weights that the steps move: '' all, 'head.', 'encoder.'
    """

    steps: int = Field(default=5, ge=0)
    step_size: float = Field(default=0.1, gt=0)
    second_order: bool = True
    moves: str = ""

    def head(self, encoder: nn.Module) -> nn.Module:
        return nn.Linear(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    def fit(self, support: Examples) -> Answer:
        *_, moved = self.descent(support)
        return self.answer(moved)

    def path(self, support: Examples) -> Iterator[Predictor]:
        scaled = Examples(support.inputs, support.problem.standardise(support.targets), support.problem)
        for moved in self.descent(scaled):
            yield self.predictor(self.answer(moved), support)

    def descent(self, support: Examples) -> Iterator[Weights]:
        learning = self.net.training  # else nothing flows back to the learner
        moving = {n: w if learning else w.detach() for n, w in self.net.named_parameters() if n.startswith(self.moves)}
        twice = self.second_order and learning
        return descent(self.net, support, moving, steps=self.steps, step_size=self.step_size, second_order=twice)

    def answer(self, weights: Weights) -> Answer:
        return lambda inputs: Prediction(functional_call(self.net, weights, (inputs,)))


first_order_maml = partial(Maml, second_order=False)

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
from ..task import Examples, Inputs


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

    @property
    def moves_encoder(self) -> bool:
        return not self.moves.startswith("head")

    def head(self, encoder: nn.Module) -> nn.Module:
        return nn.Linear(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    def fit(self, support: Examples) -> Answer:
        *_, moved = self.descent(support)
        return self.answer(moved)

    def path(self, support: Examples) -> Iterator[Predictor]:
        problem, targets = support.problem, support.targets
        scaled = Examples(support.inputs, problem.standardise(targets), problem)
        for moved in self.descent(scaled):
            outputs = self.answer(moved)
            yield Predictor(lambda inputs, outputs=outputs: problem.restore(outputs(inputs), targets), problem)  # type: ignore[misc]

    def descent(self, support: Examples) -> Iterator[Weights]:
        learning = self.net.training  # else nothing flows back to the learner
        named = [(name, w) for name, w in self.net.named_parameters() if name.startswith(self.moves)]
        moving: Weights = {name: w if learning else w.detach() for name, w in named}
        second_order, steps, size = self.second_order and learning, self.steps, self.step_size
        yield from descent(self.net, support, moving, steps=steps, step_size=size, second_order=second_order)

    def answer(self, weights: Weights) -> Answer:
        def outputs(inputs: Inputs) -> Prediction:
            return Prediction(functional_call(self.net, weights, (inputs,)))

        return outputs


first_order_maml = partial(Maml, second_order=False)

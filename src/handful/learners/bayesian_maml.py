"""Bayesian MAML: many starts, whose steps on the support set draw from the posterior of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from ..encoders import make_encoder
from ..encoders.fellows import Fellows
from ..learner import Answer, Learner, Net, settings
from ..problem import Prediction
from ..process import seeded
from ..solvers import Weights
from ..solvers.stein import stein_steps
from ..task import Examples, Inputs, Task


class NoisyLinear(nn.Linear):
    """A linear layer that also holds the log variance of a standardised quantity around its answer."""

    def __init__(self, width: int, outputs: int):
        super().__init__(width, outputs)
        self.log_noise = nn.Parameter(torch.zeros(1))


@settings
class BayesianMaml(Learner):
    """Yoon, Kim, Dia, Kim, Bengio & Ahn 2018, arXiv:1806.03836: Stein steps, and the chaser loss of algorithm 3.

    The particles take `steps` on the support set, the leaders some more on support and query; meta-training brings
    each particle closer to its leader, which is a constant. The answer is the mean of the particles' chances, or their
    mean and variance. Differs: the weights have a Gaussian prior of fixed precision, and a step is per label, so that
    one particle without a prior is MAML's. Running statistics are shared, so a batch norm wants `own_statistics`.

    particles     how many
    steps         on the support set
    leader_steps  more on support and query, while meta-training
    step_size     of all of them
    precision     of the weights' Gaussian prior
    moves         prefix of the weights that the steps move and that particles have each for themselves: '' all,
                  'head.' the last layer, on features that they share
    """

    particles: int = Field(default=5, ge=1)
    steps: int = Field(default=5, ge=0)
    leader_steps: int = Field(default=1, ge=1)
    step_size: float = Field(default=0.1, gt=0)
    precision: float = Field(default=0.01, ge=0)
    moves: str = ""
    column_a_class: ClassVar[bool] = True

    def fresh_net(self) -> Net:
        with seeded(self.seed):
            encoders = [make_encoder(self.encoder, self.encoder_settings) for _ in range(self.particles)]
            nets = [Net(encoder, self.head(encoder)) for encoder in encoders]
        nets[0].fellows = Fellows(nets, self.moves)
        return nets[0]

    def head(self, encoder: nn.Module) -> nn.Module:
        return NoisyLinear(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    def take_encoder(self, encoder: nn.Module) -> None:
        """All particles begin with it; their heads differ."""
        super().take_encoder(encoder)
        self.net.fellows.take(self.net, "encoder.")  # type: ignore[operator, union-attr, call-arg, arg-type]

    def start(self) -> Weights:
        """The particles before any step, each weight (particles, ...)."""
        return self.net.fellows.with_first(self.net)  # type: ignore[operator, union-attr]

    def answers(self, support: Examples) -> Iterator[Answer]:
        for particles in self.stein([support], self.start(), self.steps):
            yield self.answer(particles, support)

    def task_loss(self, task: Task) -> Tensor:
        """The chaser loss: squared distance of the particles from their leaders, summed."""
        self.check(task.support)
        given, known = self.multiplied(task.support), self.like(task.support.targets)
        support, query = (
            replace(part, targets=part.problem.standardise(part.targets, known)) for part in (given, task.query)
        )
        *_, chasers = self.stein([support], self.start(), self.steps)
        *_, leaders = self.stein([support, query], chasers, self.leader_steps, lead=True)
        return torch.stack([(w - leaders[name].detach()).square().sum() for name, w in chasers.items()]).sum()

    def stein(self, sets: list[Examples], particles: Weights, steps: int, lead: bool = False) -> Iterator[Weights]:
        """Steps on the posterior of all labels of the sets; those of leaders are constants."""
        learning = self.net.training and not lead
        count = sum(int(some.counts().sum()) for some in sets)
        start = particles if learning else {name: w.detach() for name, w in particles.items()}

        def log_density(weights: Weights) -> Tensor:
            prior = torch.stack([w.square().sum() for w in weights.values()]).sum()
            loss = [some.counts().sum() * self.loss(weights, some) for some in sets]
            return -torch.stack(loss).sum() - 0.5 * self.precision * prior

        size = self.step_size / count
        return stein_steps(log_density, start, steps=steps, step_size=size, second_order=learning)

    def loss(self, weights: Weights, examples: Examples) -> Tensor:
        return examples.problem.loss(self.one(weights, examples.inputs), examples.targets)

    def one(self, weights: Weights, inputs: Inputs) -> Prediction:
        """What a particle answers."""
        mean = functional_call(self.net, weights, (inputs,))
        noise: Tensor = weights.get("head.log_noise", self.net.head.log_noise)  # type: ignore[arg-type]
        return Prediction(mean, noise.exp().expand_as(mean))

    def answer(self, particles: Weights, support: Examples) -> Answer:
        def mixed(inputs: Inputs) -> Prediction:
            each = [self.one({n: w[at] for n, w in particles.items()}, inputs) for at in range(self.particles)]
            return support.problem.mixture(Prediction(*map(torch.stack, zip(*each, strict=True))))

        return mixed

"""DANN: features that answer well, and by which nobody can tell the regions of the pool from what is asked about."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ..learner import settings
from ..problem import Prediction, Problem
from ..solvers.adversarial import Adversaries, Draws, train_adversaries
from ..solvers.align import Across, Moments, statistics
from .keeps_rows import KeepsRows


@settings
class Dann(KeepsRows):
    """Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand & Lempitsky 2016, arXiv:1505.07818.

    The shallow net of section 4.1, one hidden layer of sigmoids, trained anew for each query: on the labels of the pool
    and the support, against a classifier that tells the pool from the query (without its labels). Strength and step
    size change as in section 5.2.2.

    hidden     width of the hidden layer
    strength   the largest lambda, of the reversed gradient
    steps      of gradient descent
    step_size  the first one, mu_0
    batch      rows a step: half with labels, and as many of each domain for the classifier of domains

    Differs: the classifier of domains has a hidden layer, as in the paper's deep nets; features come standardised on
    the labelled rows; the answering layer starts at 0, so that the order of classes means nothing; rows for the
    classifier of domains are drawn apart from those with labels; no gradient is longer than 1. Without a pool there is
    no other domain, and the net is trained on the support alone.
    """

    hidden: int = Field(default=32, ge=1, le=4096)
    strength: float = Field(default=1.0, ge=0)
    steps: int = Field(default=600, ge=0)
    step_size: float = Field(default=0.5, gt=0)
    batch: int = Field(default=128, ge=2)
    transductive: ClassVar[bool] = True

    @torch.no_grad()
    def across(self, places: Across, problem: Problem) -> Prediction:
        own = Moments.of(places.known)
        scaled = statistics(own, Moments(torch.zeros_like(own.mean), own.correlation))
        known, query = scaled(places.known), scaled(places.query)
        return Prediction(self.trained(Draws(known, places.targets, known[places.pooled], query), problem)(query))

    def trained(self, draws: Draws, problem: Problem) -> Adversaries:
        net = Adversaries.begun(draws.known.shape[1], self.hidden, problem.outputs, self.seed).to(draws.known)
        loss = partial(answer_loss, problem)
        train_adversaries(net, draws, loss, self.strength, self.steps, self.batch, self.step_size, self.seed)
        return net


def answer_loss(problem: Problem, numbers: Tensor, targets: Tensor) -> Tensor:
    return problem.loss(Prediction(numbers), targets)

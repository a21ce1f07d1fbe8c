"""MAML++: MAML with step sizes and batch norm of each step, and a meta-loss after each step while it begins."""

from __future__ import annotations

from copy import deepcopy
from itertools import islice
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import settings
from ..solvers import Rule, Weights, plain
from ..task import Examples, Task
from .meta_sgd import MetaSgd

FLOOR = 0.03  # the least weight of an earlier step's loss, as a part of an even share


class StepNorm(nn.Module):
    """Scale, shift and running statistics of a batch norm, a row for each inner step (steps, width)."""

    def __init__(self, name: str, norm: nn.BatchNorm2d, steps: int):
        super().__init__()
        self.name = f"encoder.{name}."
        for part, w in norm.named_parameters():
            self.register_parameter(part, nn.Parameter(w.detach().repeat(steps, 1)))
        self.register_buffer("running_mean", norm.running_mean.repeat(steps, 1))  # type: ignore[union-attr]
        self.register_buffer("running_var", norm.running_var.repeat(steps, 1))  # type: ignore[union-attr]

    @torch.no_grad()
    def take(self, norm: nn.Module) -> None:
        """Begin every step as this batch norm is."""
        for part, rows in self.state_dict().items():
            rows.copy_(getattr(norm, part).expand_as(rows))

    def at(self, step: int) -> Weights:
        return {self.name + part: rows[step] for part, rows in self.state_dict(keep_vars=True).items()}


@settings
class MamlPlusPlus(MetaSgd):
    """Antoniou, Edwards & Storkey 2019, arXiv:1810.09502, section 4.

    A step size for each tensor of weights and each step; scale, shift and running statistics of batch norm for each
    step, where the encoder has batch norm, whose scale and shift the steps don't move; and what the two settings say.
    The outer step size falls along a cosine as in all of handful's meta-training. Weights of the losses, and their 15
    epochs of 100, are those of the authors' code; the paper takes first derivatives for 50 epochs, the code's own
    experiments for none. Differs: an encoder answers with running statistics unless it has `own_statistics`; the code
    always takes the batch's own.

    step_size     where all step sizes begin
    test_steps    there is no step size for others
    multi_step    share of the training in which the losses after every step count, the later the more
    first_order   share of the training, from its beginning, without second derivatives
    """

    steps: int = Field(default=5, ge=1)
    test_steps: Literal[0] = 0
    multi_step: float = Field(default=0.15, ge=0, le=1)
    first_order: float = Field(default=0.5, ge=0, le=1)

    def head(self, encoder: nn.Module) -> nn.Module:
        layer = super().head(encoder)
        norms = [(name, part) for name, part in encoder.named_modules() if isinstance(part, nn.BatchNorm2d)]
        layer.norms = nn.ModuleList(StepNorm(name, part, self.steps) for name, part in norms)
        return layer

    def first_sizes(self, weights: list[nn.Parameter]) -> list[Tensor]:
        return [torch.full((self.steps,), self.step_size) for _ in weights]

    @property
    def norms(self) -> list[StepNorm]:
        return list(self.net.head.norms)  # type: ignore[arg-type]

    @property
    def moves_encoder(self) -> bool:
        """Always where steps have a batch norm of their own: features are never those of the encoder's."""
        return bool(self.norms) or super().moves_encoder

    def lent_encoder(self) -> nn.Module:
        """With the batch norm of the first step."""
        found = deepcopy(self.net)
        found.load_state_dict(self.of_step(0), strict=False)
        return found.encoder  # type: ignore[return-value]

    def take_encoder(self, encoder: nn.Module) -> None:
        super().take_encoder(encoder)
        for norm in self.norms:
            norm.take(self.net.get_submodule(norm.name.rstrip(".")))

    def start(self, support: Examples) -> Weights:
        fixed = tuple(norm.name for norm in self.norms)
        return {name: w for name, w in super().start(support).items() if not name.startswith(fixed)}

    def of_step(self, step: int) -> Weights:
        return {name: self.learned(w) for norm in self.norms for name, w in norm.at(step).items()}

    def rule(self) -> Rule:
        sizes = self.sizes()
        return plain([{name: size[step] for name, size in sizes.items()} for step in range(self.steps)])

    def keeps_graph(self) -> bool:
        return super().keeps_graph() and self.net.progress >= self.first_order

    def shares(self) -> list[float]:
        """The weights of the losses after each step, which sum to 1; the last alone once its time has come."""
        left = max(0.0, 1 - self.net.progress / self.multi_step) if self.multi_step else 0.0
        early = max(left, FLOOR) / self.steps if left and self.net.training else 0.0
        return [early] * (self.steps - 1) + [1 - (self.steps - 1) * early]

    def task_loss(self, task: Task) -> Tensor:
        shares = self.shares()
        if shares[-1] == 1:
            return super().task_loss(task)
        query = task.query
        after = islice(self.path(task.support), 1, None)
        losses = [query.problem.loss(predictor.outputs(query.inputs), query.targets) for predictor in after]
        return torch.stack([share * loss for share, loss in zip(shares, losses, strict=True)]).sum()

"""TIML: MAML on a net that is told which task it is: where it lies, what its classes are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import ClassVar
from zlib import crc32

import torch
from pydantic import Field
from torch import Tensor, nn

from ..encoders.named import linear_head, place
from ..errors import TaskError
from ..learner import Answer, Learner, settings
from ..solvers import Weights, answering, descent, moving, plain, support_loss
from ..task import Examples, Inputs, Task

SLOTS, LOOKBACK = 1024, 20  # tasks that are remembered, by a checksum of their names, and draws of each


class Informed(nn.Module):
    """A linear head, the encoder of task information, and how well each task was known when it was last drawn."""

    known: Tensor

    def __init__(self, classify: nn.Module, information: int, sizes: tuple[int, ...], dropout: float):
        super().__init__()
        self.classify = classify
        self.inform = nn.Sequential()
        for a, b in pairwise((information, *sizes)):
            self.inform.extend([nn.Linear(a, b), nn.GELU(), nn.GroupNorm(max(1, b // 16), b), nn.Dropout(dropout)])
        self.register_buffer("known", torch.full((SLOTS, LOOKBACK), 1e6))

    def forward(self, table: Tensor) -> Tensor:
        return self.classify(table)


@settings
class Timl(Learner):
    """Tseng, Kerner & Rolnick 2022, arXiv:2202.02124: task-informed meta-learning.

    Task information is an input called `task` (n, information) beside the bands, averaged over the support; an encoder
    makes a context of it that modulates the net, and MAML's steps move the other weights. Where a data set gives none,
    it is MAML with a learned constant. A task that is known without adapting, on the mean of its last 20 draws, is no
    longer trained on (the paper's forgetfulness).
    Differs: the context modulates `conv4` at its third layer, and other encoders' features, by a linear FiLM, not the
    input and every layer of a classifier; a task is known by its loss (an AUC of 0.95 in the authors' code), so that
    quantities can be. The head's columns tell classes apart.

    information  length of the `task` input; 3 for a place on the unit sphere
    sizes        of the layers that read it; the last is the context's length
    dropout      between them, and `noise`, the deviation of what is added to the information, while meta-training
    forget       mean loss of the support, quantities standardised, below which a task is known; 0 never
    steps        gradient steps on the support set, and their size, as in the authors' code
    """

    information: int = Field(default=3, ge=1)
    sizes: tuple[int, ...] = Field(default=(32, 64, 128), min_length=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    noise: float = Field(default=0.1, ge=0)
    forget: float = Field(default=0.05, ge=0)
    steps: int = Field(default=1, ge=0)
    step_size: float = Field(default=1e-3, gt=0)
    second_order: bool = True
    moves: str = ""
    column_a_class: ClassVar[bool] = True

    @property
    def named(self) -> dict[str, int]:
        return {"context": self.sizes[-1]}

    def head(self, encoder: nn.Module) -> nn.Module:
        classify = linear_head(encoder, self.outputs, self.sizes[-1])
        return Informed(classify, self.information, self.sizes, self.dropout)

    def answers(self, support: Examples) -> Iterator[Answer]:
        held = self.told(support.inputs)
        apart = ("head.inform.", next(iter(held)).removesuffix("context"))
        free = {n: w for n, w in moving(self.net, self.moves).items() if not n.startswith(apart)}
        graph = self.second_order and self.net.training

        def loss(weights: Weights, step: int) -> Tensor:
            return support_loss(self.net, held | weights, support)

        path = descent(loss, free, steps=self.steps, rule=plain(self.step_size), second_order=graph)
        return (answering(self.net, held | weights) for weights in path)

    def told(self, inputs: Inputs) -> Weights:
        """The context in its place. Raises TaskError where the information has another length."""
        given = inputs.get("task") if isinstance(inputs, Mapping) else None
        told = next(self.net.parameters()).new_zeros(self.information)
        if given is not None:
            if given.shape[1] != self.information:
                raise TaskError(
                    f"'task' holds {given.shape[1]} numbers, but the learner was made for {self.information}: "
                    f"set information = {given.shape[1]}."
                )
            told = given.nanmean(0).nan_to_num(0.0).to(told)
            told = told + self.noise * torch.randn_like(told) if self.net.training else told
        return {str(place(self.net, "context")): self.net.head.inform(told[None])[0]}  # type: ignore[operator]

    def task_loss(self, task: Task) -> Tensor:
        self.check(task.support)
        if self.net.training and self.forget and self.is_known(task):
            return torch.zeros((), requires_grad=True)
        return super().task_loss(task)

    @torch.no_grad()
    def is_known(self, task: Task) -> bool:
        """Whether a task needs no more training; notes how well it is known. What has no name is never known."""
        seen: Tensor = self.net.head.known[crc32(task.name.encode()) % SLOTS]  # type: ignore[assignment,index]
        if not task.name or bool(seen.mean() < self.forget):
            return bool(task.name)
        support = self.standardised(task.support)
        loss = support_loss(self.net, self.told(support.inputs), support)
        seen.copy_(torch.cat([seen[1:], loss[None]]))
        return False

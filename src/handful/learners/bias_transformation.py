"""Bias transformation: MAML with a learned vector beside the features, which frees the gradient of the bias."""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field
from torch import Tensor, cat, nn, zeros

from ..learner import settings
from .maml import Maml


class Transformed(nn.Module):
    """Layers whose first one reads the features and a learned vector, the same for every row."""

    def __init__(self, width: int, length: int, hidden: tuple[int, ...], outputs: int):
        super().__init__()
        self.vector = nn.Parameter(zeros(length))
        sizes = (width + length, *hidden, outputs)
        layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, table: Tensor) -> Tensor:
        return self.layers(cat([table, self.vector.expand(len(table), -1)], 1))


@settings
class BiasTransformation(Maml):
    """Finn, Yu, Zhang, Abbeel & Levine 2017, arXiv:1709.04905, the bias transformation of their policy.

    The first layer of the head is W1 x + W2 z + b with a learned z. It says no more than a plain bias, but a step
    changes W2 and z as well, so the bias of a task moves by an amount that W2 sets, apart from what x sees.
    Differs: the steps are MAML's on any problem. The authors' code multiplies its loss, an imitation's, by a constant
    and clips the gradients of a step; here the step size stands for both. The head's columns tell classes apart.

    steps         gradient steps on the support set; one as in the authors' code
    step_size     their size
    length        of z
    hidden        widths of the head's hidden layers; two of 200 as in the authors' simulated reaching
    """

    steps: int = Field(default=1, ge=0)
    step_size: float = Field(default=0.05, gt=0)
    length: int = Field(default=10, ge=1)
    hidden: tuple[int, ...] = (200, 200)

    def head(self, encoder: nn.Module) -> nn.Module:
        return Transformed(int(encoder.width), self.length, self.hidden, self.outputs)  # type: ignore[arg-type]

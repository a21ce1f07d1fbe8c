"""Named inputs: what a learner gives a net beside the examples, such as a vector that tells which task it is.

A place for one is a buffer of that name. At rest it is 0; a learner answers with its own value in that place
(`torch.func.functional_call`), so a named input descends, or is held, like any weight. A length is declared by an
encoder as a parameter by keyword only (`Conv4`'s `context`); where it has no place, the head's input is modulated.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from ..errors import SettingsError
from ..process import seeded

N = TypeVar("N", bound=nn.Module)


class Film(nn.Module):
    """Feature-wise linear modulation (Perez et al. 2018, arXiv:1709.07871): a factor and a shift of each feature.

    They are a linear function of a context (length,) and the identity where that is 0.
    (n, width) or (n, width, height, width of the image) -> the same.
    """

    context: Tensor

    def __init__(self, width: int, length: int):
        super().__init__()
        self.linear = nn.Linear(length, 2 * width)
        nn.init.ones_(self.linear.bias[:width])
        nn.init.zeros_(self.linear.bias[width:])
        self.register_buffer("context", torch.zeros(length), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        factor, shift = (part.view(-1, *[1] * (features.dim() - 2)) for part in self.terms())
        return factor * features + shift

    def terms(self) -> Tensor:
        """The factors and the shifts (2, width)."""
        return self.linear(self.context).view(2, -1)


def with_spread(net: N, deviation: float, seed: int) -> N:
    """The net with modulations whose weights are drawn anew, with this deviation: how much a context does at first."""
    with seeded(seed):
        for film in (part for part in net.modules() if isinstance(part, Film)):
            nn.init.normal_(film.linear.weight, std=deviation)
    return net


def begin_as(net: nn.Module, other: nn.Module) -> None:
    """Give an encoder the weights of another of the same settings.

    What modulates it by a named input, and isn't in the other, stays the identity. Raises SettingsError where the other
    is modulated and this one isn't, or by an input of another length.
    """
    given, own = other.state_dict(), net.state_dict()
    films = tuple(f"{name}." for name, part in net.named_modules() if isinstance(part, Film))
    more = {name: w for name, w in own.items() if name.startswith(films) and name not in given}
    if {name: w.shape for name, w in (more | given).items()} != {name: w.shape for name, w in own.items()}:
        raise SettingsError(
            "the learned encoder reads a context, and this learner gives none or one of another length: "
            "start from a learner that gives the same, or none."
        )
    net.load_state_dict(more | given)


def place(net: nn.Module, name: str) -> str | None:
    """The full name of the buffer that a named input goes to; None where there is no place for it."""
    return next((full for full, _ in net.named_buffers() if full.split(".")[-1] == name), None)


def linear_head(encoder: nn.Module, outputs: int, context: int) -> nn.Module:
    """A linear head, its input modulated by the context where the encoder has no place for it.

    Modulated and not extended: a vector beside the features would only shift a linear head's scores, and could not
    change which of two inputs has the higher one.
    """
    width = int(encoder.width)  # type: ignore[arg-type]
    linear = nn.Linear(width, outputs)
    return linear if place(encoder, "context") else nn.Sequential(Film(width, context), linear)

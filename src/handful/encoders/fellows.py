"""What several nets have each for themselves, stored beside the first of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Fellows(nn.Module):
    """Weights of nets that are like a first one: (nets - 1, ...) of each whose name begins with `moves`."""

    def __init__(self, nets: Sequence[nn.Module], moves: str):
        super().__init__()
        first, *others = [dict(net.named_parameters()) for net in nets]
        self.names = [name for name in first if name.startswith(moves)]
        self.weights = nn.ParameterDict()
        for name in self.names:
            fellows = [other[name].detach()[None] for other in others]
            self.weights[key(name)] = nn.Parameter(torch.cat([first[name].detach()[None][:0], *fellows]))

    @torch.no_grad()
    def take(self, net: nn.Module, prefix: str) -> None:
        """Give the other nets the first one's weights whose names begin so."""
        first = dict(net.named_parameters())
        for name in self.names:
            if name.startswith(prefix):
                self.weights[key(name)].copy_(first[name].expand_as(self.weights[key(name)]))

    def with_first(self, net: nn.Module) -> dict[str, Tensor]:
        """All nets' weights, (nets, ...) each, by their name in the first net."""
        first = dict(net.named_parameters())
        return {name: torch.cat([first[name][None], self.weights[key(name)]]) for name in self.names}


def key(name: str) -> str:
    """A name without the dots that a dictionary of parameters can't have."""
    return name.replace(".", "/")

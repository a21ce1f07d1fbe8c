"""Two encoders side by side: one for the first bands of a scene, one for the rest, as two sensors need them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..errors import SettingsError
from ..task import Inputs, values
from .dense import Dense
from .image import Conv4
from .resnet import ResNet12

KINDS: dict[str, Callable[..., nn.Module]] = {"dense": Dense, "conv4": Conv4, "resnet12": ResNet12}


class Pair(nn.Module):
    """An encoder for each of two sensors or dates, their features side by side.

    bands   of both together
    first   bands that the first encoder reads; the second reads the rest
    kind    of both: dense, conv4 or resnet12
    width   of both; that kind's own where 0
    """

    def __init__(self, bands: int, first: int, kind: str = "dense", width: int = 0):
        super().__init__()
        if kind not in KINDS:
            raise SettingsError(f"kind of encoder 'pair' is '{kind}': give {', '.join(KINDS)}.")
        if not first < bands:
            raise SettingsError(f"encoder 'pair' has first = {first} of {bands} bands: leave some to the second.")
        told = {"width": width} if width else {}
        self.counts, self.first, self.kind, self.asked = (first, bands - first), first, kind, width
        self.one, self.other = (KINDS[kind](count, **told) for count in self.counts)
        self.widths = int(self.one.width), int(self.other.width)  # type: ignore[arg-type]
        self.width = sum(self.widths)
        self.reach = int(self.one.reach)  # type: ignore[arg-type]
        self.of_images = getattr(self.one, "of_images", False)
        self.leaves_edges = getattr(self.one, "leaves_edges", False)

    def views(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """What each of the two says of its own bands."""
        return self.of(inputs, {})

    def forward(self, inputs: Inputs, edges: bool = True) -> Tensor:
        """edges  False leaves out `reach` pixels on every side, where the kind can."""
        told = {} if edges else {"edges": False}
        return torch.cat(self.of(inputs, told), 1)

    def of(self, inputs: Inputs, told: dict[str, bool]) -> tuple[Tensor, Tensor]:
        bands = values(inputs)
        return self.one(bands[:, : self.first], **told), self.other(bands[:, self.first :], **told)

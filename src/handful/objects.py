"""A scene with objects: an image and where things stand on it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .errors import TaskError
from .task import Inputs


@dataclass(frozen=True)
class ObjectScene:
    """One image and its objects.

    inputs   (1, bands, height, width), or several such by modality
    corners  (m, 4, 2) x and y of each object's box in pixels, corner by corner; it may be turned
    kinds    (m,) indices into `names`
    hard     (m,) objects that their authors mark as difficult: found or not, they don't count
    bands    names of the bands, in order
    notes    what was left out or cut while it was read: sentences for a person

    Raises TaskError where the numbers of corners and kinds differ, or a kind has no name.
    """

    name: str
    inputs: Inputs = field(repr=False)
    corners: Tensor
    kinds: Tensor
    names: tuple[str, ...]
    hard: Tensor
    bands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.corners.shape != (len(self.kinds), 4, 2) or len(self.hard) != len(self.kinds):
            raise TaskError(
                f"{self.name}: corners of {tuple(self.corners.shape)} for {len(self.kinds)} objects: give four corners "
                "(x, y), a kind and a mark of difficulty for each."
            )
        if len(self.kinds) and not 0 <= int(self.kinds.min()) <= int(self.kinds.max()) < len(self.names):
            raise TaskError(f"{self.name}: kinds {self.kinds.unique().tolist()}, but names for {len(self.names)} only.")

    @property
    def boxes(self) -> Tensor:
        """(m, 4) the upright boxes around the objects: x and y of the least corner, then of the greatest."""
        if not len(self.corners):
            return torch.zeros(0, 4)
        return torch.cat([self.corners.amin(1), self.corners.amax(1)], dim=1)

"""Images as rows of features that are computed once, by an encoder that learns nothing, for all learners alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import nn

from ..encoders import make_encoder
from ..errors import SettingsError, did_you_mean
from ..region import Region
from ..task import values

FEATURES: dict[str, tuple[str, dict[str, Any]]] = {
    "bands": ("plain", {}),
    "surroundings": ("context", {}),
    "image statistics": ("statistics", {}),
    "random patches": ("random_conv", {"pool": True}),
    "random patches around": ("random_conv", {"pool": False}),
}
FIXED = ("image statistics", "random patches")
CHUNK = 256  # images at a time


@dataclass(frozen=True)
class Features:
    """What learners see of a region: the features of this name of each image, or the images as they are where it is ''.

    kept  regions seen before: they are small, and reading them again for each fold is most of the work

    Raises SettingsError where nothing is called so, and where a region isn't of images with one target each.
    """

    name: str = ""
    kept: dict[str, Region] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.name and self.name not in FIXED:
            raise SettingsError(f"[data] features: nothing is called '{self.name}'. {did_you_mean(self.name, FIXED)}")

    @cached_property
    def encoder(self) -> nn.Module:
        name, settings = FEATURES[self.name]
        return make_encoder(name, settings)

    def seen(self, key: str, read: Callable[[], Region]) -> Region:
        """The region of this key, read unless its features are known."""
        if not self.name:
            return read()
        if key not in self.kept:
            self.kept[key] = self(read())
        return self.kept[key]

    @torch.no_grad()
    def __call__(self, region: Region) -> Region:
        examples = region.examples
        if not self.name:
            return region
        if examples.targets.dim() > 1 or values(examples.inputs).dim() == 2:
            raise SettingsError(
                f"[data] features = '{self.name}' are of images with one answer each, and '{region.name}' isn't such: "
                "leave the key out."
            )
        whole = torch.arange(len(examples))
        rows = torch.cat([self.encoder(examples.part(some).inputs) for some in whole.split(CHUNK)])
        return replace(region, examples=replace(examples, inputs=rows))

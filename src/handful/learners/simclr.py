"""SimCLR: two changed views of a patch should have features alike, and unlike those of all other patches."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ..encoders.bands import reflecting
from ..encoders.projection import Projection, pooled
from ..learner import settings
from ..solvers import views
from ..solvers.contrast import nt_xent
from ..solvers.rows import rows
from ..task import Inputs, values, with_values
from .self_supervised import SelfSupervised


@settings
class SimCLR(SelfSupervised):
    """Chen, Kornblith, Norouzi & Hinton 2020, arXiv:2002.05709.

    contrast     'patches': of whole views, as in the paper; 'pixels': of the same pixel in both views, for encoders
                 that describe each pixel; the views show the whole patch then, turned differently
    temperature  of the loss, tau in eq. 1
    outputs_of   columns of what is contrasted, behind the projection head
    share        part of a patch's side that a view shows, at the same ground distance
    light        deviation of a gain of each view, and half of it of each band
    noise        of each pixel, as a part of the band's deviation
    dropout      chance that a view lacks a band
    points       pixels of a patch that are contrasted

    Differs: the views are those that reflectance allows. Crops aren't rescaled, since a pixel's size on the ground
    tells what it is; gains of light stand for colour jitter, there is no shift of hue and no blur; quarter turns,
    mirrors, noise and lacking bands are added. Batches are small, and AdamW stands for LARS.
    """

    contrast: Literal["patches", "pixels"] = "patches"
    temperature: float = Field(default=0.2, gt=0)
    outputs_of: int = Field(default=64, ge=1)
    share: float = Field(default=0.75, gt=0, le=1)
    light: float = Field(default=0.1, ge=0)
    noise: float = Field(default=0.05, ge=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    points: int = Field(default=8, ge=1)

    def head(self, encoder: nn.Module) -> nn.Module:
        return Projection(int(encoder.width), self.outputs_of)  # type: ignore[arg-type]

    def loss(self, images: Inputs) -> Tensor:
        of_pixels = self.contrast == "pixels" and int(self.net.encoder.reach) > 0  # type: ignore[arg-type]
        one, other = self.of_pixels(images) if of_pixels else (self.of_view(images), self.of_view(images))
        return nt_xent(self.net.head(one), self.net.head(other), self.temperature)

    def of_view(self, images: Inputs) -> Tensor:
        """Features (n, width) of a view of each image."""
        whole = getattr(self.net.encoder, "maps", None) is not None  # it takes images of one size alone
        part = views.cropped(values(images), 1.0 if whole else self.share)
        return pooled(self.encoded_view(images, part, views.turns_of(part)))

    def of_pixels(self, images: Inputs) -> tuple[Tensor, Tensor]:
        """Features (n points, width) of the same pixels in two views."""
        bands = values(images)
        turns = [views.turns_of(bands) for _ in range(2)]
        maps = [views.turned(self.encoded_view(images, bands, turn), turn, back=True) for turn in turns]
        chosen = torch.randint(bands.shape[2] * bands.shape[3], (len(bands), self.points))
        places = (torch.arange(len(bands))[:, None] * bands.shape[2] * bands.shape[3] + chosen).flatten()
        return rows(maps[0])[places], rows(maps[1])[places]

    def encoded_view(self, images: Inputs, part: Tensor, turns: Tensor) -> Tensor:
        """What the encoder says of parts of the images, turned, under other light, with noise, and lacking bands."""
        changed = views.lit(views.turned(part, turns), self.light, reflecting(images))
        changed = views.without_bands(views.noisy(changed, self.noise), self.dropout)
        return self.seen(with_values(images, changed))

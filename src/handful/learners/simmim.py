"""SimMIM: hide patches and whole bands of an image, and learn features that tell what they were."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor, nn

from ..encoders.decoder import Decoder, SpectralDecoder
from ..encoders.resnet import resized
from ..errors import SettingsError
from ..learner import settings
from ..task import Inputs, values, with_values
from .self_supervised import SelfSupervised


@settings
class SimMIM(SelfSupervised):
    """Xie et al. 2022, arXiv:2111.09886, after masked autoencoders (He et al. 2022, arXiv:2111.06377).

    hidden        share of each image's squares that are hidden, in all bands
    square        pixels of a square's side
    hidden_bands  chance that a band of an image is hidden everywhere

    What is hidden shows the mean of what is seen of its band, and the loss is the mean absolute error of one linear
    layer there, in deviations of the band. Differs: encoders are convolutions, which need every pixel, so nothing is
    left out of the input, and the filling is that mean instead of a learned token; whole bands are hidden too, since
    what one band tells of another is most of what a pixel's spectrum holds.
    """

    hidden: float = Field(default=0.5, ge=0, le=0.9)
    square: int = Field(default=4, ge=1)
    hidden_bands: float = Field(default=0.15, ge=0, le=0.9)

    def head(self, encoder: nn.Module) -> nn.Module:
        """Raises SettingsError for an encoder without maps of features."""
        if hasattr(encoder, "weigh"):
            return SpectralDecoder(int(encoder.width))  # type: ignore[arg-type]
        bands = self.encoder_settings.get("bands")
        if not isinstance(bands, int) or not (hasattr(encoder, "unpooled") or int(encoder.reach) > 0):  # type: ignore[arg-type]
            raise SettingsError(
                f"SimMIM tells hidden pixels from maps of features, and encoder '{self.encoder}' has none: "
                "take dense, spectral, unet, conv4 or resnet12."
            )
        width, stride = getattr(encoder, "channels", encoder.width), getattr(encoder, "stride", 1)
        return Decoder(int(width), bands, int(stride))  # type: ignore[arg-type]

    def loss(self, images: Inputs) -> Tensor:
        bands = resized(values(images), getattr(self.net.encoder, "side", 0))
        return self.error(images, bands, self.mask(bands))

    def mask(self, bands: Tensor) -> Tensor:
        """What is hidden (n, bands, height, width): squares of all bands, and all of some bands."""
        n, count, height, width = bands.shape
        grid = torch.rand(n, 1, -(-height // self.square), -(-width // self.square)) < self.hidden
        squares = grid.repeat_interleave(self.square, 2).repeat_interleave(self.square, 3)[..., :height, :width]
        return (squares | (torch.rand(n, count, 1, 1) < self.hidden_bands)).to(bands.device)

    def error(self, images: Inputs, bands: Tensor, mask: Tensor) -> Tensor:
        """The mean absolute error of hidden values, in deviations of what is seen of their band."""
        seen = (~mask).sum((0, 2, 3), keepdim=True).clamp(min=1)
        middle = bands.masked_fill(mask, 0).sum((0, 2, 3), keepdim=True) / seen
        spread = (bands - middle).masked_fill(mask, 0).square().sum((0, 2, 3), keepdim=True).div(seen).sqrt()
        shown = with_values(images, torch.where(mask, middle, bands))
        told = self.net.head(self.maps(shown), wavelengths(images))
        height, width = (min(a, b) for a, b in zip(told.shape[2:], bands.shape[2:], strict=True))
        part = (slice(None), slice(None), slice(height), slice(width))
        wanted = ((bands - middle) / spread.clamp(min=1e-6))[part]
        return (told[part] - wanted).abs().mul(mask[part]).sum() / mask[part].sum().clamp(min=1)

    def maps(self, images: Inputs) -> Tensor:
        """Maps of features (n, channels, h, w)."""
        encoder = self.net.encoder
        return encoder.unpooled(images) if hasattr(encoder, "unpooled") else self.seen(images)  # type: ignore[operator]


def wavelengths(images: Inputs) -> Tensor | None:
    return images["wavelengths"][0] if isinstance(images, Mapping) and "wavelengths" in images else None

"""ResNet-12, the deep encoder of few-shot image classification: one answer an image."""

from __future__ import annotations

from math import gcd

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..task import Inputs
from .bands import bands_of, centred
from .short import shortened


class ResNet12(nn.Module):
    """Four residual blocks of three convolutions, each halving the image: images (n, bands, ...) -> (n, 8 width).

    Bands are taken to lie between 0 and 1.

    The widths are those of Oreshkin et al. 2018 (arXiv:1805.10123), 64 to 512; GroupNorm over 16 channels (Wu and He
    2018, arXiv:1803.08494) stands where they have batch norm, and nothing is dropped out.

    side      images are brought to this side first, 0 leaves them as they are; averaged where they shrink
    bfloat16  convolutions with 8 bits of mantissa where the processor has them built in: three times as fast
    """

    reach = 0
    of_images = True  # one row an image, none of a pixel
    stride = 16  # pixels of a side of the image that one of the maps stands for

    def __init__(self, bands: int, width: int = 64, side: int = 0, bfloat16: bool = False):
        super().__init__()
        widths = [bands, *(width * 2**level for level in range(4))]
        self.blocks = nn.ModuleList(Residual(a, b) for a, b in zip(widths, widths[1:], strict=False))
        self.width, self.side, self.short = widths[-1], side, bfloat16

    def forward(self, inputs: Inputs) -> Tensor:
        return self.unpooled(inputs).mean((2, 3))

    def unpooled(self, inputs: Inputs) -> Tensor:
        """Maps (n, width, ...), each pixel of which stands for `stride` pixels of a side."""
        maps = resized(bands_of(inputs).values, self.side)
        maps, kind = centred(maps), maps.dtype
        with shortened(maps.device.type, self.short):
            maps = maps.contiguous(memory_format=torch.channels_last)
            for block in self.blocks:
                maps = F.max_pool2d(block(maps), 2, ceil_mode=True)
        return maps.to(kind)


def resized(images: Tensor, side: int) -> Tensor:
    """Images (n, bands, side, side), by bilinear interpolation that averages where they shrink."""
    if not side or images.shape[2:] == (side, side):
        return images
    return F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)


class Residual(nn.Module):
    """Three convolutions beside a shortcut of one pixel (He et al. 2016, arXiv:1512.03385)."""

    def __init__(self, bands: int, width: int):
        super().__init__()
        widths = [bands, width, width, width]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(gcd(width, max(1, width // 16)), width) for _ in self.convs)
        self.shortcut = nn.Conv2d(bands, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        found = maps
        for index, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            found = norm(conv(F.relu(found) if index else found))
        return F.relu(found + self.shortcut(maps))

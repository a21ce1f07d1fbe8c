"""Encoders of the field's benchmarks: Conv4 for one answer an image, U-Net for one a pixel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..task import Inputs
from .bands import bands_of


def conv_block(bands: int, width: int) -> nn.Sequential:
    """Convolution, normalisation over the image itself, ReLU.

    GroupNorm stands where the papers have batch norm: an answer must not depend on what else is in the batch.
    """
    return nn.Sequential(nn.Conv2d(bands, width, 3, padding=1), nn.GroupNorm(1, width), nn.ReLU())


class Conv4(nn.Module):
    """Four convolutions with max-pooling (Vinyals et al. 2016, arXiv:1606.04080): images (n, bands, ...) -> (n, width).

    Features are averaged over what is left of the image, so that images of any size have one width.
    """

    reach = 0

    def __init__(self, bands: int, width: int = 64):
        super().__init__()
        self.layers = nn.ModuleList(conv_block(bands if i == 0 else width, width) for i in range(4))
        self.width = width

    def forward(self, inputs: Inputs) -> Tensor:
        maps = bands_of(inputs).values
        for layer in self.layers:
            maps = F.max_pool2d(layer(maps), 2, ceil_mode=True)
        return maps.mean((2, 3))


class UNet(nn.Module):
    """Contracting and expanding paths with shortcuts (Ronneberger et al. 2015, arXiv:1505.04597).

    Smaller than the paper's, padded so that the output has the size of the input, and with nearest upsampling.
    (n, bands, height, width) -> (n, width, height, width of the image). GroupNorm sees the whole window, so a
    pixel's features depend on the window that it came in.
    """

    def __init__(self, bands: int, width: int = 32, depth: int = 3):
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(conv_block(a, b) for a, b in zip([bands, *widths], widths, strict=False))
        self.up = nn.ModuleList(conv_block(a + b, a) for a, b in zip(widths[:-1], widths[1:], strict=True))
        self.width, self.reach = width, 2 ** (depth + 2)

    def forward(self, inputs: Inputs) -> Tensor:
        maps, shortcuts = bands_of(inputs).values, []
        for level, layer in enumerate(self.down):
            maps = layer(F.max_pool2d(maps, 2, ceil_mode=True) if level else maps)
            shortcuts.append(maps)
        for layer, shortcut in zip(reversed(self.up), reversed(shortcuts[:-1]), strict=True):  # type: ignore[call-overload]
            larger = F.interpolate(maps, size=shortcut.shape[2:], mode="nearest")
            maps = layer(torch.cat([shortcut, larger], dim=1))
        return maps

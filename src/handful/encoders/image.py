"""Encoders of the field's benchmarks: Conv4 for one answer an image, U-Net for one a pixel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import SettingsError, TaskError
from ..task import Inputs
from .bands import bands_of


def conv_block(bands: int, width: int, batch_norm: bool = False, stride: int = 1) -> nn.Sequential:
    """Convolution, normalisation, ReLU.

    GroupNorm, over the image itself, stands where the papers have batch norm: an answer must not depend on what else is
    in the batch. With `batch_norm` it is the papers': batch statistics while training, running ones afterwards.
    """
    norm = nn.BatchNorm2d(width) if batch_norm else nn.GroupNorm(1, width)
    return nn.Sequential(nn.Conv2d(bands, width, 3, stride, padding=1), norm, nn.ReLU())


class Conv4(nn.Module):
    """Four convolutions with max-pooling (Vinyals et al. 2016, arXiv:1606.04080): images (n, bands, ...) -> (n, width).

    Features are averaged over what is left of the image, so that images of any size have one width.

    width       filters of each convolution
    side        of the images: then what is left of them is flattened as in the papers, and they must have this size
    batch_norm  the papers' normalisation instead of one over the image
    strided     convolutions of stride 2 instead of pooling, as MAML has it on Omniglot (Finn et al. 2017, section 5.1)
    halvings    layers that halve the image, the first ones; 2 as Relation Networks have it, which compare maps

    `maps` is the shape (width, side, side) that a row of flattened features had, None where they are averaged.
    """

    reach = 0

    def __init__(
        self,
        bands: int,
        width: int = 64,
        side: int = 0,
        batch_norm: bool = False,
        strided: bool = False,
        halvings: int = 4,
    ):
        super().__init__()
        left = left_of(side, strided, halvings)
        if side and not left:
            least = 2**halvings
            raise SettingsError(
                f"side of encoder 'conv4' is {side}: {halvings} halvings leave nothing, give {least} or more."
            )
        strides = [2 if strided and i < halvings else 1 for i in range(4)]
        self.layers = nn.ModuleList(
            conv_block(width if i else bands, width, batch_norm, stride) for i, stride in enumerate(strides)
        )
        self.strided, self.side, self.batch_norm, self.halvings = strided, side, batch_norm, halvings
        self.maps = (width, left, left) if side else None
        self.width = width * left**2 if side else width

    def forward(self, inputs: Inputs) -> Tensor:
        maps = bands_of(inputs).values
        if self.side and maps.shape[2:] != (self.side, self.side):
            height, width = maps.shape[2:]
            raise TaskError(f"images of {height} x {width} pixels, but the encoder was made for side = {self.side}.")
        for index, layer in enumerate(self.layers):
            maps = layer(maps)
            if index < self.halvings and not self.strided:
                maps = F.max_pool2d(maps, 2, ceil_mode=not self.side)
        return maps.flatten(1) if self.side else maps.mean((2, 3))


def left_of(side: int, strided: bool, halvings: int) -> int:
    """Pixels a side that halvings leave: rounded up by strides, down by pooling as in the papers."""
    for _ in range(halvings):
        side = (side + 1) // 2 if strided else side // 2
    return side


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

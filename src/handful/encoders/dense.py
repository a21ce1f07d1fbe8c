"""Small dense nets without downsampling: every pixel is described by what lies within reach of it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..task import Inputs
from .bands import Bands, bands_of
from .pixels import at_pixels, by_slabs
from .windows import cut, means_and_deviations, pyramid


class Block(nn.Module):
    """A depthwise convolution, then two layers at each pixel, beside a shortcut (Liu et al. 2022, arXiv:2201.03545).

    LayerNorm is over channels at each pixel: statistics over an image would make a pixel's answer
    depend on the window that it came in.
    """

    def __init__(self, width: int, kernel: int, dilation: int):
        super().__init__()
        self.pad = dilation * (kernel // 2)
        self.around = nn.Conv2d(width, width, kernel, dilation=dilation, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, maps: Tensor, edges: bool = True) -> Tensor:
        padded = F.pad(maps, (self.pad,) * 4, mode="replicate") if edges else maps
        padded = padded.contiguous(memory_format=torch.channels_last)
        return by_slabs(self.change, padded, self.pad, shortcut=lambda slab: cut(slab, self.pad))

    def change(self, maps: Tensor) -> Tensor:
        """What is added where the whole kernel lies on the maps."""
        return at_pixels(self.mixed, self.around(maps))

    def mixed(self, pixels: Tensor) -> Tensor:
        """The layers at each pixel: (..., width) -> the same."""
        return self.down(F.gelu(self.up(self.norm(pixels))))


class Trunk(nn.Module):
    """Blocks of growing dilation, and the mean and deviation of their features in windows.

    narrow  mixtures of the features that windows are taken of; 0 for each feature itself
    """

    def __init__(self, width: int, blocks: int, kernel: int, windows: tuple[int, ...], narrow: int):
        super().__init__()
        self.windows = tuple(windows)
        self.blocks = nn.Sequential(*(Block(width, kernel, 1 + index) for index in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.narrow = nn.Linear(width, narrow) if narrow else nn.Identity()
        self.width = width + 2 * (narrow or width) * len(self.windows)
        self.reach = sum(block.pad for block in self.blocks) + max(self.windows, default=1) // 2  # type: ignore[misc]

    def parts(self, maps: Tensor, edges: bool = True) -> list[Tensor]:
        """Features (n, some, height, width of the image) that stand side by side.

        edges  False leaves out `reach` pixels on every side
        """
        for block in self.blocks:
            maps = block(maps, edges)
        scale = math.sqrt(maps.shape[1])  # rows of length 1 or so: a scale for any head
        maps = by_slabs(lambda slab: at_pixels(lambda pixels: self.norm(pixels) / scale, slab), maps)
        around = by_slabs(lambda slab: at_pixels(self.narrow, slab), maps)
        own = cut(maps, 0 if edges else max(self.windows, default=1) // 2)
        return [own, *means_and_deviations(around, self.windows, edges)]


class Dense(nn.Module):
    """A dense net for data whose bands are always the same.

    bands    how many there are
    width    channels
    windows  sizes of the windows of the final means and deviations, in pixels (odd)
    narrow   mixtures of the channels that windows are taken of; 0 for each channel itself
    Features: width + 2 narrow windows.
    """

    leaves_edges = True

    def __init__(
        self,
        bands: int,
        width: int = 48,
        blocks: int = 3,
        kernel: int = 5,
        windows: tuple[int, ...] = (7, 15),
        narrow: int = 0,
    ):
        super().__init__()
        self.stem = nn.Conv2d(bands, width, 1)
        self.norm = nn.LayerNorm(width)
        self.trunk = Trunk(width, blocks, kernel, windows, narrow)
        self.width, self.reach = self.trunk.width, self.trunk.reach

    def parts(self, inputs: Inputs, edges: bool = True) -> list[Tensor]:
        return self.trunk.parts(at_pixels(self.norm, self.stem(bands_of(inputs).values)), edges)

    def forward(self, inputs: Inputs, edges: bool = True) -> Tensor:
        """edges  False leaves out `reach` pixels on every side."""
        return torch.cat(self.parts(inputs, edges), dim=1)


class Spectral(nn.Module):
    """A dense net that reads a set of (wavelength, reflectance) pairs: one model for every optical sensor.

    The weights of the first layer are a function of each band's wavelength, averaged over the bands, so their
    number and order don't matter (the idea of Xiong et al. 2024, arXiv:2403.15356, at each pixel). Each date is
    encoded by itself; features of several dates, and bands of unknown wavelength, stand side by side.
    A scene without any known spectrum gives its plain bands and their windows.

    `width` is that of one date; more dates or plain bands give more.
    """

    leaves_edges = True

    def __init__(
        self,
        width: int = 32,
        blocks: int = 3,
        kernel: int = 5,
        windows: tuple[int, ...] = (5, 15, 45),
        narrow: int = 16,
    ):
        super().__init__()
        self.weigh = nn.Sequential(nn.Linear(2 * len(FREQUENCIES), 64), nn.GELU(), nn.Linear(64, 2 * width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width)
        self.trunk = Trunk(width, blocks, kernel, windows, narrow)
        self.width, self.reach, self.windows = self.trunk.width, self.trunk.reach, self.trunk.windows

    def forward(self, inputs: Inputs, edges: bool = True) -> Tensor:
        """edges  False leaves out `reach` pixels on every side."""
        return torch.cat(self.parts(inputs, edges), dim=1)

    def parts(self, inputs: Inputs, edges: bool = True) -> list[Tensor]:
        """Features (n, some, height, width of the image) that stand side by side."""
        bands = bands_of(inputs)
        parts = [part for date in bands.known_dates for part in self.date(bands.of_date(date), edges)]
        spectra = bands.wavelengths.isfinite() & torch.isin(bands.dates, torch.tensor(bands.known_dates))
        if not bool(spectra.all()):
            plain = pyramid(bands.values[:, ~spectra], self.windows, edges)
            parts.append(cut(plain, 0 if edges else self.reach - max(self.windows, default=1) // 2))
        return parts

    def date(self, bands: Bands, edges: bool) -> list[Tensor]:
        """The parts of the features of one spectrum a pixel."""
        weights = self.weigh(waves(bands.wavelengths).to(self.bias)).unflatten(1, (2, -1))  # (bands, 2, width)
        dark, bright = (weights / math.sqrt(len(bands.wavelengths))).unbind(1)
        bias = self.bias + 2.0 * dark.sum(0) - 0.8 * bright.sum(0)

        def mixed(pixels: Tensor) -> Tensor:
            """What the bands tell together, (..., bands) -> (..., width): log(x + 0.03) + 2 and 4 x - 0.8."""
            logs, plain = pixels.clamp(min=0).add_(0.03).log(), pixels.clamp(-0.2, 2.0)
            return self.norm(logs @ dark + plain @ (4.0 * bright) + bias)

        return self.trunk.parts(by_slabs(lambda slab: at_pixels(mixed, slab), bands.values), edges)


FREQUENCIES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)


def waves(wavelengths: Tensor) -> Tensor:
    """(bands,) in nm -> (bands, 2 * frequencies): sines and cosines of the logarithm of the wavelength."""
    place = (wavelengths / 1000.0).log()[:, None] * torch.tensor(FREQUENCIES)
    return torch.cat([place.sin(), place.cos()], dim=1)

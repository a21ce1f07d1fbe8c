"""Encoders of the field's benchmarks: Conv4 for one answer an image, U-Net for one a pixel."""

from __future__ import annotations

from math import inf
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import SettingsError, TaskError
from ..task import Inputs
from .bands import bands_of, centred
from .convolve import convolve
from .named import Film
from .normalise import Pool, Statistics, batch_statistics, image_statistics, normalised
from .short import shortened


class BatchNorm(nn.BatchNorm2d):
    """Ioffe & Szegedy 2015, arXiv:1502.03167: batch statistics while training, running ones afterwards.

    own_statistics  the batch's own afterwards too, which leaves the running ones as they are
    """

    def __init__(self, width: int, own_statistics: bool = False):
        super().__init__(width)
        self.own_statistics = own_statistics

    def forward(self, maps: Tensor) -> Tensor:
        if self.training or not self.own_statistics:
            return super().forward(maps)
        return F.batch_norm(maps, None, None, self.weight, self.bias, training=True, eps=self.eps)

    @property
    def of_batch(self) -> bool:
        return self.training or self.own_statistics

    def statistics(self, maps: Tensor, bias: Tensor) -> Statistics:
        """Of maps that a bias (width,) is missing from; while training the running ones follow."""
        running: Any = self.running_mean
        if not self.of_batch:
            return Statistics(running, (self.running_var + self.eps).rsqrt(), inf)  # type: ignore[operator,union-attr]
        if not self.training:
            return batch_statistics(maps, self.eps)
        found = batch_statistics(maps, self.eps, running, self.running_var, self.momentum or 0.0)
        running.add_(bias.detach(), alpha=self.momentum)
        self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
        return found


class ConvBlock(nn.Sequential):
    """A convolution, a normalisation, a modulation by a context where it has a length, ReLU: as one where it is pooled.

    A bias before statistics of a batch changes no answer, so it is left out there, and its slope is 0.
    """

    def forward(self, maps: Tensor, pool: Pool | None = None) -> Tensor:
        """(n, bands, height, width) -> (n, width, ...), pooled before the ReLU, which gives the same and is fast."""
        if pool is None:
            return super().forward(maps)
        parts: list[Any] = list(self.children())
        conv, norm, *film, _ = parts
        scale, shift, idle = norm.weight, norm.bias, None
        if isinstance(norm, BatchNorm):
            maps = convolve(maps, conv, biased=False)
            known = norm.statistics(maps, conv.bias)
            if norm.of_batch:
                idle = conv.bias
            else:
                shift = shift + conv.bias * (scale * known.inverse)
        else:
            maps = convolve(maps, conv)
            known = image_statistics(maps, norm.eps)
        for modulation in film:
            factor, more = modulation.terms()
            scale, shift = factor * scale, factor * shift + more
        return normalised(maps, scale, shift, idle, known, pool)


def conv_block(
    bands: int,
    width: int,
    norm: nn.Module | None = None,
    stride: int = 1,
    context: int = 0,
    kernel: int = 3,
    dilation: int = 1,
) -> ConvBlock:
    """Convolution, normalisation, modulation by a context where it has a length, ReLU.

    GroupNorm, over the image itself, stands where the papers have batch norm: an answer must not depend on what else is
    in the batch.
    """
    norm, film = norm or nn.GroupNorm(1, width), [Film(width, context)] if context else []
    pad = dilation * (kernel // 2)
    conv = nn.Conv2d(bands, width, kernel, stride, padding=pad, dilation=dilation)
    return ConvBlock(conv, norm, *film, nn.ReLU())


class Conv4(nn.Module):
    """Four convolutions with max-pooling (Vinyals et al. 2016, arXiv:1606.04080): images (n, bands, ...) -> (n, width).

    Features are averaged over what is left of the image, so that images of any size have one width.

    width           filters of each convolution
    side            of the images: then what is left of them is flattened as in the papers; they must have this size
    batch_norm      the papers' normalisation instead of one over the image
    strided         convolutions of stride 2 instead of pooling, as MAML has it on Omniglot (Finn et al. 2017)
    own_statistics  batch norm by the images that are answered together, as in the code of MAML and Reptile: their
                    published figures are transductive, and so is a learner on this encoder. The weights are the same
                    with and without it, so one training can be measured both ways; but large steps that were learned
                    by a batch's own statistics may lead nowhere by running ones
    context         length of a vector that modulates the third layer, where a learner gives one (CAVIA)
    halvings        layers that halve the image, the first ones; 2 as Relation Networks have it, which compare maps
    bfloat16        layers with 8 bits of mantissa where the processor has them built in: two to three times as fast
    centred         bands of 0 to 1 become -2 to 2 first, as in `resnet12`: a training of minutes gets farther

    `maps` is the shape (width, side, side) that a row of flattened features had, None where they are averaged.
    """

    reach = 0
    of_images = True  # one row an image, none of a pixel

    def __init__(
        self,
        bands: int,
        width: int = 64,
        side: int = 0,
        batch_norm: bool = False,
        strided: bool = False,
        halvings: int = 4,
        own_statistics: bool = False,
        bfloat16: bool = False,
        centred: bool = False,
        *,
        context: int = 0,
    ):
        super().__init__()
        left = checked_left("conv4", side, strided, halvings)
        check_norm("conv4", batch_norm, own_statistics)
        norms = [BatchNorm(width, own_statistics) if batch_norm else None for _ in range(4)]
        strides, told = [2 if strided and i < halvings else 1 for i in range(4)], [0, 0, context, 0]
        self.layers = nn.ModuleList(
            conv_block(width if i else bands, width, norms[i], strides[i], told[i]) for i in range(4)
        )
        self.strided, self.side, self.halvings, self.own_statistics = strided, side, halvings, own_statistics
        self.batch_norm, self.maps = batch_norm, (width, left, left) if side else None
        self.width, self.short, self.centred = width * left**2 if side else width, bfloat16, centred
        self.channels, self.stride = width, 2**halvings

    def forward(self, inputs: Inputs) -> Tensor:
        maps = self.unpooled(inputs)
        return maps.flatten(1) if self.side else maps.mean((2, 3))

    def unpooled(self, inputs: Inputs) -> Tensor:
        """Maps (n, channels, ...), a pixel of which stands for `stride` pixels of a side."""
        maps = images_of(inputs, self.side)
        maps, kind = centred(maps) if self.centred else maps, maps.dtype
        with shortened(maps.device.type, self.short):
            for index, layer in enumerate(self.layers):
                halved = index < self.halvings and not self.strided
                maps = layer(maps, Pool(ceil=not self.side) if halved else None)
        return maps.to(kind)


def left_of(side: int, strided: bool, halvings: int) -> int:
    """Pixels a side that halvings leave: rounded up by strides, down by pooling as in the papers."""
    for _ in range(halvings):
        side = (side + 1) // 2 if strided else side // 2
    return side


def checked_left(name: str, side: int, strided: bool, halvings: int) -> int:
    """The same for the encoder of that name. Raises SettingsError where they leave nothing of a side."""
    left = left_of(side, strided, halvings)
    if side and not left:
        least = 2**halvings
        raise SettingsError(
            f"side of encoder '{name}' is {side}: {halvings} halvings leave nothing, give {least} or more."
        )
    return left


def check_norm(name: str, batch_norm: bool, own_statistics: bool) -> None:
    """Raise SettingsError where an encoder is to use a batch's own statistics, but no batch norm."""
    if own_statistics and not batch_norm:
        raise SettingsError(f"own_statistics of encoder '{name}' are those of batch norm: set batch_norm = true too.")


def images_of(inputs: Inputs, side: int) -> Tensor:
    """Images (n, bands, height, width). Raises TaskError where they aren't of the side, if it isn't 0."""
    maps = bands_of(inputs).values
    if side and maps.shape[2:] != (side, side):
        height, width = maps.shape[2:]
        raise TaskError(f"images of {height} x {width} pixels, but the encoder was made for side = {side}.")
    return maps


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

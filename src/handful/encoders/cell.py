"""An encoder of equal cells that is described in words, so that a found architecture is a setting like any other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from ..task import Inputs
from .blocks import Block, loose_ends, parsed
from .image import BatchNorm, check_norm, checked_left, conv_block, images_of
from .short import shortened

Norm = Callable[[int], nn.Module]


class Cells(nn.Module):
    """Cells after each other, each followed by max-pooling: images (n, bands, height, width) -> (n, width).

    The form is that of progressive architecture search (Liu et al. 2018, arXiv:1712.00559) as Auto-Meta has it for
    meta-learners (Kim et al. 2018, arXiv:1806.06927). Differs: a cell reads the one before it alone; a block may have
    one operation instead of two; loose ends are added, not laid side by side, so that a cell keeps its width; cells
    are halved by pooling after them. `cell = ["conv3 0"]` is conv4.

    cell            blocks in words: one operation or two that are added, each with the number of what it works on (0
                    for the cell's input, 1 for the first block); see handful.encoders.blocks
    width           channels of every block
    cells           how many, each halving the image
    side            of the images: then what is left of them is flattened; they must have this size. Else it is averaged
    batch_norm      after each convolution, instead of a normalisation over the image
    own_statistics  batch norm by the images that are answered together, as conv4 has it
    bfloat16        layers with 8 bits of mantissa, as conv4 has it

    `maps` is the shape (width, side, side) that a row of flattened features had, None where they are averaged.
    """

    reach = 0
    of_images = True  # one row an image, none of a pixel

    def __init__(
        self,
        bands: int,
        cell: tuple[str, ...] = ("conv3 0",),
        width: int = 32,
        cells: int = 4,
        side: int = 0,
        batch_norm: bool = False,
        own_statistics: bool = False,
        bfloat16: bool = False,
    ):
        super().__init__()
        left = checked_left("cell", side, False, cells)
        check_norm("cell", batch_norm, own_statistics)
        norm = partial(BatchNorm, own_statistics=own_statistics) if batch_norm else partial(nn.GroupNorm, 1)
        blocks = parsed(cell)
        self.cells = nn.ModuleList(Cell(blocks, width if i else bands, width, norm) for i in range(cells))
        self.side, self.batch_norm, self.own_statistics = side, batch_norm, own_statistics
        self.maps = (width, left, left) if side else None
        self.width, self.short = width * left**2 if side else width, bfloat16

    def forward(self, inputs: Inputs) -> Tensor:
        maps = images_of(inputs, self.side)
        kind = maps.dtype
        with shortened(maps.device.type, self.short):
            for cell in self.cells:
                maps = F.max_pool2d(cell(maps), 2, ceil_mode=not self.side)
        maps = maps.to(kind)
        return maps.flatten(1) if self.side else maps.mean((2, 3))


class Cell(nn.Module):
    """A graph of blocks: (n, bands, height, width) -> (n, width, height, width of the image)."""

    def __init__(self, blocks: tuple[Block, ...], bands: int, width: int, norm: Norm):
        super().__init__()
        self.blocks, self.ends = blocks, loose_ends(blocks)
        self.steps = nn.ModuleList(
            nn.ModuleList(MAKERS[step.operation](width if step.of else bands, width, norm) for step in block)
            for block in blocks
        )

    def forward(self, maps: Tensor) -> Tensor:
        known = [maps]
        for block, steps in zip(self.blocks, self.steps, strict=True):
            parts = [made(known[step.of]) for step, made in zip(block, steps, strict=True)]  # type: ignore[call-overload]
            known.append(sum(parts[1:], parts[0]))
        return sum((known[end] for end in self.ends[1:]), known[self.ends[0]])


def convolution(bands: int, width: int, norm: Norm, kernel: int = 3, dilation: int = 1) -> nn.Module:
    return conv_block(bands, width, norm(width), kernel=kernel, dilation=dilation)


def separable(bands: int, width: int, norm: Norm, kernel: int = 3) -> nn.Module:
    """A convolution of each channel by itself, then one of a pixel over all (Chollet 2017, arXiv:1610.02357)."""
    apart = nn.Conv2d(bands, bands, kernel, padding=kernel // 2, groups=bands)
    return nn.Sequential(apart, nn.Conv2d(bands, width, 1), norm(width), nn.ReLU())


def kept(bands: int, width: int, norm: Norm, inner: Callable[[], nn.Module]) -> nn.Module:
    """What leaves channels apart; where there are more or fewer than it gives, a convolution of a pixel comes first."""
    return inner() if bands == width else nn.Sequential(nn.Conv2d(bands, width, 1), norm(width), inner())


MAKERS: dict[str, Callable[[int, int, Norm], nn.Module]] = {
    "conv3": convolution,
    "conv5": partial(convolution, kernel=5),
    "separable3": separable,
    "separable5": partial(separable, kernel=5),
    "dilated3": partial(convolution, dilation=2),
    "max3": partial(kept, inner=partial(nn.MaxPool2d, 3, 1, padding=1)),
    "average3": partial(kept, inner=partial(nn.AvgPool2d, 3, 1, padding=1, count_include_pad=False)),
    "identity": partial(kept, inner=nn.Identity),
}

"""A convolution whose first and second derivatives are written out, on maps whose channels lie side by side.

A convolution is linear in the maps and in the filters, so its derivatives are three maps of two arguments each, and so
are theirs. torch derives the second ones by convolutions whose filters are as large as the maps; here they are the
three again. Channels side by side in memory (channels last) is what processors convolve fastest, and what pools fastest
by far.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Geometry = tuple[list[int], list[int], list[int]]  # stride, padding, dilation


def convolve(maps: Tensor, conv: nn.Conv2d, biased: bool = True) -> Tensor:
    """What `conv` makes of maps (n, bands, height, width), in the type that autocast asks for."""
    device = maps.device.type
    kind = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else conv.weight.dtype
    bias = conv.bias.to(kind) if biased and conv.bias is not None else None
    geometry = list(conv.stride), list(conv.padding), list(conv.dilation)
    return Convolution.apply(maps.to(kind), conv.weight.to(kind), bias, geometry)


def last(maps: Tensor) -> Tensor:
    """The same with channels last; said outright, as torch takes one channel for channels first, which is slow."""
    _, channels, height, width = maps.shape
    strides = (height * width * channels, 1, width * channels, channels)
    if maps.stride() == strides:
        return maps
    return maps.contiguous(memory_format=torch.channels_last).as_strided(maps.shape, strides)


def slopes(wanted: list[bool], slope: Tensor, maps: Tensor, filters: Tensor, geometry: Geometry) -> tuple[Tensor, ...]:
    """Those of a convolution's maps, filters and bias that are wanted, None in the others' places."""
    stride, padding, dilation = geometry
    bias = [filters.shape[0]] if wanted[2] else None
    given = last(slope), last(maps), last(filters)
    return torch.ops.aten.convolution_backward(*given, bias, stride, padding, dilation, False, [0, 0], 1, wanted)


class Convolution(torch.autograd.Function):
    """Maps (n, bands, height, width), filters (width, bands, kernel, kernel), a bias (width,) or None."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, filters: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(maps, filters)
        ctx.geometry = geometry
        return F.conv2d(last(maps), last(filters), bias, *geometry)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        return *Slopes.apply(list(ctx.needs_input_grad[:3]), slope, *ctx.saved_tensors, ctx.geometry), None


class Slopes(torch.autograd.Function):
    """The derivatives of a convolution, and theirs."""

    @staticmethod
    def forward(
        ctx: Any, wanted: list[bool], slope: Tensor, maps: Tensor, filters: Tensor, geometry: Geometry
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(slope, maps, filters)
        ctx.geometry = geometry
        ctx.set_materialize_grads(False)
        return slopes(wanted, slope, maps, filters, geometry)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_maps: Tensor | None, of_filters: Tensor | None, of_bias: Tensor | None) -> Any:
        slope, maps, filters = ctx.saved_tensors
        geometry, (_, _, maps_too, filters_too, _) = ctx.geometry, ctx.needs_input_grad
        to_slope = None if of_bias is None else of_bias[:, None, None].expand_as(slope)
        pairs = [(a, b) for a, b in ((of_maps, filters), (maps, of_filters)) if a is not None and b is not None]
        if pairs:  # one convolution of twice the bands is the sum of two
            both, theirs = (last(torch.cat(of, 1)) for of in zip(*pairs, strict=True))
            found = F.conv2d(both, theirs, None, *geometry)
            to_slope = found if to_slope is None else found + to_slope
        to_maps = to_filters = None
        if maps_too and of_filters is not None:
            to_maps = slopes([True, False, False], slope, maps, of_filters, geometry)[0]
        if filters_too and of_maps is not None:
            to_filters = slopes([False, True, False], slope, of_maps, filters, geometry)[1]
        return None, to_slope, to_maps, to_filters, None

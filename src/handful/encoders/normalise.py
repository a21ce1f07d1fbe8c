"""Normalisation, max-pooling and ReLU as one function, whose first and second derivatives are written out.

All that happens to a map between two convolutions, in as few passes over memory as it takes: the statistics, the
largest of every four pixels, and then scale, shift and ReLU on the quarter that is left. Normalisation grows with the
map where its scale is positive and falls where it is negative, so pooling first takes the largest, or the smallest,
of the same four pixels. A slope comes back by the pixel that was taken alone; all others get what the statistics pass
on, which is linear in the map.

With x^ = (x - mean) / deviation, T v = v - mean(v) - x^ mean(v x^) and v the slope of x^, the slope of x is
T v / deviation (Ioffe & Szegedy 2015, arXiv:1502.03167, in closed form). T is symmetric and dx^ = T dx / deviation,
from which the second derivatives follow. Fixed statistics are those over infinitely many values: then T v = v.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

TWO, NO_PAD, ONE = ([2, 2], [2, 2]), [0, 0], [1, 1]  # of a pool: its size and stride, padding, dilation
NO_MAPS = [False, True, True]
of_batch_norm = torch.ops.aten.native_batch_norm_backward
unpooled = torch.ops.aten.max_pool2d_with_indices_backward
drop = torch.ops.aten.threshold_backward  # (values, by, least): values where `by` is more than `least`, else 0


@dataclass(frozen=True)
class Statistics:
    """Of which a map is freed; here channels come last.

    mean, inverse  the mean and one over the deviation: (channels,) over a batch, (n, 1, 1, 1) over each image
    count          how many values they are taken over; inf where they are fixed
    """

    mean: Tensor
    inverse: Tensor
    count: float

    @property
    def of_batch(self) -> bool:
        return self.mean.dim() == 1

    def freed(self, maps: Tensor) -> Tensor:
        return (maps - self.mean).mul_(self.inverse)

    def shift(self, maps_mean: Tensor, along: Tensor) -> Tensor:
        """The constant of along * x - along * mean - inverse * maps_mean."""
        return -self.inverse * maps_mean - along * self.mean

    def sums(self, values: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Of values, and of their product with the freed maps: over the batch, or else over each image."""
        if not self.of_batch:
            return total(values), total(self.freed(maps).mul_(values))
        given = turned(values), turned(maps.to(values.dtype))
        _, product, plain = of_batch_norm(*given, None, None, None, self.mean, self.inverse, True, 0.0, NO_MAPS)
        return plain, product


def total(values: Tensor) -> Tensor:
    return values.sum((1, 2, 3), keepdim=True)


def turned(maps: Tensor) -> Tensor:
    """Channels last as torch says it: (n, channels, height, width)."""
    return maps.permute(0, 3, 1, 2)


@torch.no_grad()
def batch_statistics(
    maps: Tensor, eps: float, mean: Tensor | None = None, variance: Tensor | None = None, rate: float = 0.0
) -> Statistics:
    """Of each channel of (n, channels, height, width) over the batch; running ones follow at the rate."""
    mean, variance = torch.batch_norm_update_stats(maps, mean, variance, rate)
    return Statistics(mean, (variance + eps).rsqrt(), maps.numel() / maps.shape[1])


@torch.no_grad()
def image_statistics(maps: Tensor, eps: float) -> Statistics:
    """Of each image of (n, channels, height, width)."""
    each = maps.permute(0, 2, 3, 1).reshape(1, len(maps), -1)
    mean, variance = (part.view(-1, 1, 1, 1) for part in torch.batch_norm_update_stats(each, None, None, 0.0))
    return Statistics(mean, (variance + eps).rsqrt(), each.shape[2])


@dataclass(frozen=True)
class Pool:
    """The extreme of every 2 x 2 pixels, of maps (n, height, width, channels): smallest where a sign is negative.

    ceil  a last odd row or column is pooled by itself; else it is left out
    """

    ceil: bool

    def take(self, maps: Tensor, signs: Tensor) -> tuple[Tensor, Tensor]:
        """The extremes, and the places that they are taken from, the first where several are alike."""
        turn = torch.where(signs < 0, -1.0, 1.0).to(maps) if bool((signs < 0).any()) else None
        given = turned(maps if turn is None else maps * turn)
        found, places = (
            of.permute(0, 2, 3, 1) for of in F.max_pool2d(given, 2, ceil_mode=self.ceil, return_indices=True)
        )
        return found if turn is None else found * turn, places

    def put(self, onto: Tensor, values: Tensor, factor: Tensor, places: Tensor) -> None:
        """Add values times a factor to the pixels that were taken."""
        given = turned(values * factor), turned(torch.empty_like(onto))
        onto.add_(unpooled(*given, *TWO, NO_PAD, ONE, self.ceil, turned(places)).permute(0, 2, 3, 1))

    def gather(self, maps: Tensor, places: Tensor) -> Tensor:
        """Of maps the pixels that were taken."""
        return maps.flatten(1, 2).gather(1, places.flatten(1, 2)).view(places.shape)


def normalised(
    maps: Tensor, scale: Tensor, shift: Tensor, idle: Tensor | None, known: Statistics, pool: Pool
) -> Tensor:
    """ReLU of scale x^ + shift, pooled: (n, channels, height, width) and (channels,) -> maps.

    idle  a weight that changes nothing: its slope is 0
    """
    return Normalised.apply(maps, scale, shift, idle, known, pool)


class Normalised(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Any) -> Tensor:
        maps, scale, shift, ctx.idle, known, pool = given
        factor = scale * known.inverse
        taken, places = pool.take(maps.permute(0, 2, 3, 1), scale)
        found = turned(torch.addcmul(shift - known.mean * factor, taken, factor).relu_())
        ctx.save_for_backward(maps, scale, taken, places, found)
        ctx.known, ctx.pool = known, pool
        ctx.idle = None if ctx.idle is None else torch.zeros_like(ctx.idle)
        return found

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        return *Slopes.apply(slope, *ctx.saved_tensors, ctx.known, ctx.pool), ctx.idle, None, None


class Slopes(torch.autograd.Function):
    """The derivatives by maps, scale and shift, and theirs. Inside, channels come last."""

    @staticmethod
    def forward(
        ctx: Any,
        slope: Tensor,
        maps: Tensor,
        scale: Tensor,
        taken: Tensor,
        places: Tensor,
        found: Tensor,
        known: Statistics,
        pool: Pool,
    ) -> tuple[Tensor, ...]:
        x, slope = maps.permute(0, 2, 3, 1), drop(slope, found, 0).permute(0, 2, 3, 1)
        of_shift, of_scale, v_mean, v_along = by_channel(slope, scale, taken, known)
        along = -known.inverse.square() * v_along
        onto = torch.addcmul(known.shift(v_mean, along), x, along)
        pool.put(onto, slope, scale * known.inverse, places)
        ctx.save_for_backward(slope, maps, scale, taken, places, found, v_along)
        ctx.known, ctx.pool = known, pool
        return turned(onto).to(maps.dtype), of_scale, of_shift

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_maps: Tensor, of_scale: Tensor, of_shift: Tensor) -> Any:
        slope, maps, scale, taken, places, found, v_along = ctx.saved_tensors
        known, pool, inverse = ctx.known, ctx.pool, ctx.known.inverse
        x, d = maps.permute(0, 2, 3, 1), of_maps.permute(0, 2, 3, 1)
        mean, along = (found / known.count for found in known.sums(d, x))
        freed = known.freed(taken)
        # T d / deviation, of what was taken
        image = (pool.gather(d, places) - mean).sub_(freed * along).mul_(inverse)
        to_slope = drop(turned(torch.addcmul(of_shift, freed, of_scale).addcmul_(image, scale)), found, 0)
        # the slope of x is T k / deviation, where k is 0 but where a pixel was taken, and what the deviation passes on
        k = slope * (of_scale - inverse * along * scale)
        k_mean, k_along = (found / known.count for found in known.sums(k, taken))
        to_scale, from_deviation = self_products(slope, image, scale, known)
        slant = -inverse.square() * (k_along - inverse * v_along * along + from_deviation)
        bent = -inverse.square() * v_along
        to_maps = torch.addcmul(known.shift(k_mean - inverse * v_along * mean, slant), x, slant)
        to_maps.addcmul_(d, bent)
        pool.put(to_maps, k, inverse, places)
        return to_slope, turned(to_maps).to(maps.dtype), to_scale, None, None, None, None, None


def by_channel(slope: Tensor, scale: Tensor, taken: Tensor, known: Statistics) -> tuple[Tensor, ...]:
    """The slopes of shift and scale, and the means of v = scale * slope and of v x^ over what the statistics are of."""
    if known.of_batch:
        plain, product = known.sums(slope, taken)
        return plain, product, plain * scale / known.count, product * scale / known.count
    v, product = slope * scale, slope * known.freed(taken)
    means = (part / known.count for part in known.sums(v, taken))
    return slope.sum((0, 1, 2)), product.sum((0, 1, 2)), *means


def self_products(slope: Tensor, image: Tensor, scale: Tensor, known: Statistics) -> tuple[Tensor, Tensor]:
    """The sum of slope * image by channel, and the mean of v * image over what the statistics are of."""
    product = slope * image
    found = product.sum((0, 1, 2))
    mean = found * scale if known.of_batch else total(product * scale)
    return found, mean / known.count

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
from torch import Tensor
from torch.autograd.function import once_differentiable

TIED = -1e-30  # pixels no further apart than that are alike, and the first of them is taken
drop = torch.ops.aten.threshold_backward  # (values, by, least): values where `by` is more than `least`, else 0


@dataclass(frozen=True)
class Statistics:
    """Of which a map is freed.

    mean, inverse  the mean and one over the deviation: (channels,) over a batch, (n, 1, 1, 1) over each image
    count          how many values they are taken over; inf where they are fixed
    over           the axes of (n, height, width, channels) that they are taken over
    """

    mean: Tensor
    inverse: Tensor
    count: float
    over: tuple[int, ...]

    def total(self, maps: Tensor) -> Tensor:
        return maps.sum(self.over, keepdim=len(self.mean.shape) > 1)

    def mean_of(self, maps: Tensor) -> Tensor:
        """Sums over all of a map of which only these values aren't 0, as a mean."""
        return self.total(maps) / self.count

    def freed(self, maps: Tensor) -> Tensor:
        return (maps - self.mean) * self.inverse


@torch.no_grad()
def batch_statistics(
    maps: Tensor, eps: float, mean: Tensor | None = None, variance: Tensor | None = None, rate: float = 0.0
) -> Statistics:
    """Of each channel of (n, channels, height, width) over the batch; running ones follow at the rate."""
    mean, variance = torch.batch_norm_update_stats(maps, mean, variance, rate)
    return Statistics(mean, (variance + eps).rsqrt(), maps.numel() / maps.shape[1], (0, 1, 2))


@torch.no_grad()
def image_statistics(maps: Tensor, eps: float) -> Statistics:
    """Of each image of (n, channels, height, width)."""
    each = maps.permute(0, 2, 3, 1).reshape(1, len(maps), -1)
    mean, variance = (part.view(-1, 1, 1, 1) for part in torch.batch_norm_update_stats(each, None, None, 0.0))
    return Statistics(mean, (variance + eps).rsqrt(), each.shape[2], (1, 2, 3))


@dataclass(frozen=True)
class Pool:
    """The extreme of every 2 x 2 pixels, of maps (n, height, width, channels): smallest where a sign is negative.

    ceil  a last odd row or column is pooled by itself; else it is left out
    """

    ceil: bool

    def corners(self, maps: Tensor) -> list[Tensor]:
        """The four pixels of every pool, as four maps."""
        height, width = (size if self.ceil else size // 2 * 2 for size in maps.shape[1:3])
        return [maps[:, row:height:2, column:width:2] for row in (0, 1) for column in (0, 1)]

    def take(self, maps: Tensor, signs: Tensor) -> Tensor:
        if bool((signs < 0).any()):
            turned = torch.where(signs < 0, -1.0, 1.0).to(maps)
            return self.take(maps * turned, signs.abs()) * turned
        first, *others = self.corners(maps)
        found = first.clone(memory_format=torch.contiguous_format)
        for corner in others:
            part = found[:, : corner.shape[1], : corner.shape[2]]
            torch.maximum(part, corner, out=part)
        return found

    def split(self, values: Tensor, maps: Tensor, taken: Tensor) -> list[Tensor]:
        """Values of pools as four maps, each where its pixel was taken."""
        rest, parts = values.clone(), []
        for corner in self.corners(maps)[:-1]:
            here = slice(None), slice(corner.shape[1]), slice(corner.shape[2])
            away = (corner - taken[here]).abs_().neg_().to(values.dtype)
            parts.append(drop(rest[here], away, TIED))
            rest[here].sub_(parts[-1])
        corner = self.corners(maps)[-1]
        return [*parts, rest[:, : corner.shape[1], : corner.shape[2]]]

    def put(self, onto: Tensor, values: Tensor, maps: Tensor, taken: Tensor) -> None:
        """Add values to the pixels that were taken."""
        for corner, part in zip(self.corners(onto), self.split(values, maps, taken), strict=True):
            corner.add_(part)

    def gather(self, other: Tensor, maps: Tensor, taken: Tensor) -> Tensor:
        """Of another map the pixels that were taken."""
        found = torch.zeros_like(taken, dtype=other.dtype)
        masks = self.split(torch.ones_like(found), maps, taken)
        for corner, mask in zip(self.corners(other), masks, strict=True):
            found[:, : corner.shape[1], : corner.shape[2]].addcmul_(corner, mask)
        return found


@dataclass(frozen=True)
class NoPool:
    """The same of maps that stay as they are."""

    def take(self, maps: Tensor, signs: Tensor) -> Tensor:
        return maps

    def put(self, onto: Tensor, values: Tensor, maps: Tensor, taken: Tensor) -> None:
        onto.add_(values)

    def gather(self, other: Tensor, maps: Tensor, taken: Tensor) -> Tensor:
        return other


def normalised(maps: Tensor, scale: Tensor, shift: Tensor, known: Statistics, pool: Pool | NoPool) -> Tensor:
    """ReLU of scale x^ + shift, pooled: (n, channels, height, width) and (channels,) -> maps."""
    return Normalised.apply(maps, scale, shift, known, pool)


class Normalised(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, scale: Tensor, shift: Tensor, known: Statistics, pool: Pool | NoPool) -> Tensor:
        factor = scale * known.inverse
        taken = pool.take(maps.permute(0, 2, 3, 1), scale)
        found = torch.addcmul(shift - known.mean * factor, taken, factor).relu_().permute(0, 3, 1, 2)
        ctx.save_for_backward(maps, scale, taken, found)
        ctx.known, ctx.pool = known, pool
        return found

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        return *Slopes.apply(slope, *ctx.saved_tensors, ctx.known, ctx.pool), None, None


class Slopes(torch.autograd.Function):
    """The derivatives by maps, scale and shift, and theirs. Inside, channels come last."""

    @staticmethod
    def forward(
        ctx: Any,
        slope: Tensor,
        maps: Tensor,
        scale: Tensor,
        taken: Tensor,
        found: Tensor,
        known: Statistics,
        pool: Pool | NoPool,
    ) -> tuple[Tensor, ...]:
        slope, found, x = (of.permute(0, 2, 3, 1) for of in (slope, found, maps))
        slope, freed = drop(slope, found, 0), known.freed(taken)
        of_scale, of_shift = (slope * freed).sum((0, 1, 2)), slope.sum((0, 1, 2))
        v = slope * scale
        v_mean, v_along = known.mean_of(v), known.mean_of(v * freed)
        along = -known.inverse.square() * v_along
        onto = torch.addcmul(-known.inverse * v_mean - along * known.mean, x, along)
        pool.put(onto, v * known.inverse, x, taken)
        ctx.save_for_backward(slope, maps, scale, taken, found, v_along)
        ctx.known, ctx.pool = known, pool
        return onto.to(maps.dtype).permute(0, 3, 1, 2), of_scale, of_shift

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_maps: Tensor, of_scale: Tensor, of_shift: Tensor) -> Any:
        slope, maps, scale, taken, found, v_along = ctx.saved_tensors
        known, pool = ctx.known, ctx.pool
        x, d = (of.permute(0, 2, 3, 1) for of in (maps, of_maps))
        freed, v, inverse = known.freed(taken), slope * scale, known.inverse
        mean, along = known.mean_of(d), known.mean_of(d * known.freed(x))
        image = inverse * (pool.gather(d, x, taken) - mean - freed * along)  # T d / deviation where it was taken
        to_slope = drop(torch.addcmul(of_shift, freed, of_scale).addcmul_(image, scale), found, 0)
        k = slope * of_scale - inverse * along * v
        k_mean = known.mean_of(k) - inverse * v_along * mean
        k_along = known.mean_of(k * freed) - inverse * v_along * along
        slant = -inverse.square() * (k_along + known.mean_of(v * image))
        to_maps = torch.addcmul(-inverse * k_mean - slant * known.mean, x, slant)
        to_maps.addcmul_(d, -inverse.square() * v_along)
        pool.put(to_maps, k * inverse, x, taken)
        to_scale = (slope * image).sum((0, 1, 2))
        turned = to_slope.permute(0, 3, 1, 2), to_maps.to(maps.dtype).permute(0, 3, 1, 2)
        return *turned, to_scale, None, None, None, None

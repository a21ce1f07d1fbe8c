"""Patches of images, and views of them that the physics of reflectance allows. Drawn with torch's global generator.

Images are (n, bands, height, width). Nothing is rescaled: a pixel keeps its size on the ground.
"""

from __future__ import annotations

import torch
from torch import Tensor

EIGHT, FOUR = 8, 4  # turns and mirrors of a square, and of a rectangle that keeps its shape


def patches(images: Tensor, side: int, count: int) -> Tensor:
    """`count` patches (count, bands, side, side) from anywhere in the images; narrower where an image is."""
    height, width = (min(side, length) for length in images.shape[2:])
    which = torch.randint(len(images), (count,))
    return cut(images[which], height, width)


def cropped(images: Tensor, share: float) -> Tensor:
    """A part of each image, of `share` of its sides, from anywhere in it."""
    height, width = (max(1, round(share * length)) for length in images.shape[2:])
    return images if (height, width) == tuple(images.shape[2:]) else cut(images, height, width)


def cut(images: Tensor, height: int, width: int) -> Tensor:
    tops, lefts = (
        torch.randint(length - size + 1, (len(images),)).tolist()
        for length, size in zip(images.shape[2:], (height, width), strict=True)
    )
    places = zip(images, tops, lefts, strict=True)
    return torch.stack([image[:, top : top + height, left : left + width] for image, top, left in places])


def turns_of(images: Tensor) -> Tensor:
    """A number for each image (n,), 0 to 7: quarter turns, and from 4 on a mirror; half turns where it isn't square."""
    square = images.shape[2] == images.shape[3]
    drawn = torch.randint(EIGHT if square else FOUR, (len(images),))
    return drawn if square else 2 * drawn


def turned(images: Tensor, turns: Tensor, *, back: bool = False) -> Tensor:
    """Each image turned, then mirrored from left to right, as its number says; `back` undoes it."""
    found = torch.empty_like(images)
    for number in turns.unique().tolist():
        some, quarters, mirror = turns == number, number % 4, number >= 4
        part = images[some]
        if back:
            found[some] = torch.rot90(part.flip(-1) if mirror else part, -quarters, (-2, -1))
        else:
            part = torch.rot90(part, quarters, (-2, -1))
            found[some] = part.flip(-1) if mirror else part
    return found


def lit(images: Tensor, deviation: float, reflects: Tensor) -> Tensor:
    """Under other light: a gain of each image and half as much of each band, of those bands that reflect (bands,)."""
    n, count = images.shape[:2]
    gain = torch.randn(n, 1, 1, 1) + 0.5 * torch.randn(n, count, 1, 1)
    return images * (deviation * gain * reflects.view(1, -1, 1, 1)).exp().to(images)


def noisy(images: Tensor, share: float) -> Tensor:
    """With noise of each pixel and band, of a `share` of the band's deviation."""
    return images + share * deviations(images) * torch.randn_like(images)


def without_bands(images: Tensor, chance: float) -> Tensor:
    """Each band of an image is missing with this chance: it shows the band's mean then; one band at least is left."""
    gone = torch.rand(images.shape[:2]) < chance
    gone[torch.arange(len(images)), torch.randint(images.shape[1], (len(images),))] = False
    return torch.where(gone[:, :, None, None].to(images.device), means(images), images)


def means(images: Tensor) -> Tensor:
    """The mean of each band over all images (1, bands, 1, 1)."""
    return images.mean((0, 2, 3), keepdim=True)


def deviations(images: Tensor) -> Tensor:
    """The standard deviation of each band over all images (1, bands, 1, 1)."""
    return images.std((0, 2, 3), keepdim=True, correction=0)

"""Copies among images: the same picture, turned, mirrored, or saved again in other bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.fft import dctn
from torch import Tensor

from ..task import Inputs, first_tensor

THUMB = 32  # pixels a side of the thumbnail that is hashed and compared
LOW = 8  # frequencies along each side of the perceptual hash
NEAR = 10  # bits of the hash by which near copies may differ
ALIKE = 0.95  # correlation of thumbnails, without their smooth part, from which on two images count as copies
FLAT = 1e-3  # deviation of a thumbnail below which an image shows nothing to compare


def turned(image: np.ndarray) -> Iterator[np.ndarray]:
    """The eight ways in which a square can lie (..., height, width): turned by quarters, and mirrored."""
    for flipped in (image, image[..., ::-1]):
        for quarters in range(4):
            yield np.rot90(flipped, quarters, (-2, -1))


def exact_hash(image: np.ndarray) -> str:
    """A hash that the eight ways of lying share, and nothing else does: of the one whose bytes come first."""
    content, shape = min((way.tobytes(), way.shape) for way in turned(image))
    return hashlib.sha1(content + str(shape).encode()).hexdigest()[:20]


def thumbnail(image: np.ndarray) -> np.ndarray:
    """The mean of the bands as (32, 32)."""
    grey = torch.from_numpy(np.ascontiguousarray(image)).float().mean(0)[None, None]
    return F.interpolate(grey, size=(THUMB, THUMB), mode="area")[0, 0].numpy()


def perceptual_hashes(thumb: np.ndarray) -> np.ndarray:
    """Of each way of lying (8,) the signs of the lowest frequencies about their median (pHash, Zauner 2010)."""
    low = dctn(np.stack(list(turned(thumb))), axes=(1, 2), norm="ortho")[:, :LOW, :LOW].reshape(8, -1)
    low[:, 0] = -np.inf  # the mean says nothing
    return np.packbits(low > np.median(low[:, 1:], axis=1, keepdims=True), axis=1).view(">u8")[:, 0].astype(np.uint64)


@dataclass(frozen=True)
class Prints:
    """What images are recognised by.

    exact    a hash each, which a turned image shares
    hashes   (n, 8) perceptual hashes, one for each way of lying
    details  (n, 32, 32) thumbnails without their smooth part, of length 1; of a flat one 0
    """

    exact: list[str]
    hashes: np.ndarray
    details: np.ndarray

    def __len__(self) -> int:
        return len(self.exact)

    @classmethod
    def joined(cls, several: Sequence[Prints]) -> Prints | None:
        """All as one; None of nothing."""
        if not several:
            return None
        exact = [code for prints in several for code in prints.exact]
        hashes, details = ([getattr(prints, name) for prints in several] for name in ("hashes", "details"))
        return cls(exact, np.concatenate(hashes), np.concatenate(details))

    def some(self, rows: list[int]) -> Prints:
        return Prints([self.exact[row] for row in rows], self.hashes[rows], self.details[rows])


def prints_of(inputs: Inputs) -> Prints:
    """Of images (n, bands, height, width)."""
    images = images_of(inputs).numpy()
    thumbs = [thumbnail(image) for image in images]
    exact = [exact_hash(image) for image in images]
    return Prints(exact, np.stack(list(map(perceptual_hashes, thumbs))), np.stack(list(map(detail, thumbs))))


def images_of(inputs: Inputs) -> Tensor:
    return first_tensor(inputs) if isinstance(inputs, Tensor) else inputs.get("bands", first_tensor(inputs))


def copies(first: Prints, second: Prints) -> Iterator[tuple[int, int, str]]:
    """Pairs of an image of the first and one of the second that show the same: 'exact' (or turned), or 'near'."""
    places: dict[str, list[int]] = {}
    for place, code in enumerate(second.exact):
        places.setdefault(code, []).append(place)
    for row, code in enumerate(first.exact):
        same = places.get(code, [])
        yield from ((row, place, "exact") for place in same)
        near = np.setdiff1d(np.flatnonzero(distances(first.hashes[row], second.hashes[:, 0]) <= NEAR), same)
        sure = alike(first.details[row], second.details[near]) >= ALIKE
        yield from ((row, place, "near") for place in near[sure].tolist())


def distances(ways: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """The fewest bits by which any way (8,) of lying differs from each hash (n,)."""
    return np.bitwise_count(ways[:, None] ^ hashes[None]).min(0)


def alike(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How one detail (32, 32) correlates with others (n, 32, 32), each in its best way of lying: (n,), 0 if flat."""
    ways = np.stack(list(turned(one))).reshape(8, -1)
    return (others.reshape(-1, ways.shape[1]) @ ways.T).max(1)


def detail(thumb: np.ndarray) -> np.ndarray:
    """A thumbnail without its two lowest frequencies a side, which any two slopes of light share; its length is 1.

    It turns as the thumbnail does, so that it is made once for all ways of lying.
    """
    spectrum = dctn(thumb, norm="ortho")
    spectrum[:2, :2] = 0
    length = np.linalg.norm(spectrum)  # that of what it is the spectrum of, too
    return dctn(spectrum / length, type=3, norm="ortho") if length >= FLAT * THUMB else np.zeros_like(thumb)

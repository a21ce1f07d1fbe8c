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
BITS = LOW * LOW - 1  # without the mean
NEAR = 10  # bits of the hash by which near copies may differ
ALIKE = 0.95  # correlation of thumbnails, without their smooth part, from which on two images count as copies
FLAT = 1e-3  # deviation of a thumbnail below which an image shows nothing to compare


def turned(image: np.ndarray) -> Iterator[np.ndarray]:
    """The eight ways in which a square can lie (..., height, width): turned by quarters, and mirrored."""
    for flipped in (image, image[..., ::-1]):
        for quarters in range(4):
            yield np.rot90(flipped, quarters, (-2, -1))


def exact_hash(image: np.ndarray) -> str:
    """A hash that the eight ways of lying share, and nothing else does."""
    return min(hashlib.sha1(np.ascontiguousarray(way).tobytes() + str(way.shape).encode()).hexdigest()[:20]
               for way in turned(image))  # fmt: skip


def thumbnail(image: np.ndarray) -> np.ndarray:
    """The mean of the bands as (32, 32)."""
    grey = torch.from_numpy(np.ascontiguousarray(image)).float().mean(0)[None, None]
    return F.interpolate(grey, size=(THUMB, THUMB), mode="area")[0, 0].numpy()


def perceptual_hash(thumb: np.ndarray) -> int:
    """Signs of the lowest frequencies about their median (pHash, Zauner 2010), as an integer of 63 bits."""
    low = dctn(thumb, norm="ortho")[:LOW, :LOW].flatten()[1:]
    return int.from_bytes(np.packbits(np.concatenate([[False], low > np.median(low)])).tobytes(), "big")


@dataclass(frozen=True)
class Prints:
    """What images are recognised by.

    exact   a hash each, which a turned image shares
    hashes  (n, 8) perceptual hashes, one for each way of lying
    thumbs  (n, 32, 32)
    """

    exact: list[str]
    hashes: np.ndarray
    thumbs: np.ndarray

    def __len__(self) -> int:
        return len(self.exact)

    @classmethod
    def joined(cls, several: Sequence[Prints]) -> Prints | None:
        """All as one; None of nothing."""
        if not several:
            return None
        exact = [code for prints in several for code in prints.exact]
        hashes, thumbs = ([getattr(prints, name) for prints in several] for name in ("hashes", "thumbs"))
        return cls(exact, np.concatenate(hashes), np.concatenate(thumbs))

    def some(self, rows: list[int]) -> Prints:
        return Prints([self.exact[row] for row in rows], self.hashes[rows], self.thumbs[rows])


def prints_of(inputs: Inputs) -> Prints:
    """Of images (n, bands, height, width)."""
    images = images_of(inputs).numpy()
    thumbs = np.stack([thumbnail(image) for image in images])
    hashes = np.array([[perceptual_hash(way) for way in turned(thumb)] for thumb in thumbs], np.uint64)
    return Prints([exact_hash(image) for image in images], hashes, thumbs)


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
        for place in np.flatnonzero(distances(first.hashes[row], second.hashes[:, 0]) <= NEAR).tolist():
            if place not in same and alike(first.thumbs[row], second.thumbs[place]) >= ALIKE:
                yield row, place, "near"


def distances(ways: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """The fewest bits by which any way (8,) of lying differs from each hash (n,)."""
    return np.bitwise_count(ways[:, None] ^ hashes[None]).min(0)


def alike(first: np.ndarray, second: np.ndarray) -> float:
    """The correlation of two thumbnails without their smooth part, in the best way of lying; 0 of flat ones."""
    detail = [sharp(way) for way in turned(first)]
    other = sharp(second)
    if np.linalg.norm(other) < FLAT * THUMB or np.linalg.norm(detail[0]) < FLAT * THUMB:
        return 0.0
    return float(max((way * other).sum() for way in detail) / np.linalg.norm(detail[0]) / np.linalg.norm(other))


def sharp(thumb: np.ndarray) -> np.ndarray:
    """A thumbnail without its two lowest frequencies a side, which any two slopes of light share."""
    spectrum = dctn(thumb, norm="ortho")
    spectrum[:2, :2] = 0
    return dctn(spectrum, type=3, norm="ortho")

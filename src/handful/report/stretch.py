"""Reflectance to a picture that the eye can read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PAPER = 244  # the grey of pixels without a value


def stretch(
    bands: NDArray[np.floating],
    valid: NDArray[np.bool_] | None = None,
    *,
    percentiles: tuple[float, float] = (2.0, 98.0),
    gamma: float = 1.5,
) -> NDArray[np.uint8]:
    """Three bands (3, height, width) in any unit to a picture (height, width, 3), paper-grey where not valid.

    Each band begins at its own dark end, which takes haze away; its span lies half way between its own and the widest,
    which keeps the hues and lets no band (near infrared) drown the others.

    >>> stretch(np.linspace(0, 1, 12).reshape(3, 2, 2)).shape
    (2, 2, 3)
    """
    values = np.moveaxis(np.asarray(bands, dtype=np.float64), 0, -1)
    seen = np.isfinite(values).all(-1) & (True if valid is None else valid)
    picture = np.full(values.shape, PAPER, np.uint8)
    if not seen.any():
        return picture
    low, high = np.percentile(values[seen], percentiles, axis=0)
    own = np.maximum(high - low, 1e-12)
    span = np.sqrt(own * own.max())
    scaled = np.clip((values[seen] - low) / span, 0, 1) ** (1 / gamma)
    picture[seen] = np.round(255 * scaled).astype(np.uint8)
    return picture


def thin(side: int, most: int) -> int:
    """The least whole step at which `side` pixels become at most `most`."""
    return max(1, -(-side // most))

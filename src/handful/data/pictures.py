"""Pictures of a data set on disk, JPEG or PNG: decoded whole, and refused by name where they cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..errors import DataError

MOST_PIXELS = 8192**2  # of a picture: more is not believed of a header


def picture(path: Path, remedy: str, *, size: tuple[int, int] | None = None, draft: int = 0) -> np.ndarray:
    """(3, height, width) uint8 of a picture, grey or with a palette too.

    size   (height, width) that it is brought to (Lanczos)
    draft  a JPEG may be decoded at a fraction of its size, at least so many pixels a side: fast, and the same each time

    Raises DataError where the file is missing, broken, too large or of another format.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing. {remedy}")
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as file:
            if file.width * file.height > MOST_PIXELS:
                raise DataError(f"{path} has {file.height} x {file.width} pixels, at most {MOST_PIXELS:,} are read.")
            if draft:
                file.draft("RGB", (draft, draft))
            image = file.convert("RGB")
    except DataError:
        raise
    except Exception as why:  # decoders raise many kinds
        raise DataError(f"{path} cannot be read ({str(why) or type(why).__name__}): fetch it again.") from why
    if size is not None and image.size != size[::-1]:
        image = image.resize(size[::-1], Image.Resampling.LANCZOS)
    return np.asarray(image).transpose(2, 0, 1)


def pictures(paths: Sequence[Path], remedy: str, *, size: tuple[int, int] | None = None) -> torch.Tensor:
    """(n, 3, height, width) from 0 to 1. Raises DataError where they differ in size or one cannot be read."""
    images = [picture(path, remedy, size=size) for path in paths]
    odd = [path for path, image in zip(paths, images, strict=True) if image.shape != images[0].shape]
    if odd:
        raise DataError(f"{odd[0]} is not of the size of {paths[0]}: all pictures of a class have one size.")
    return torch.from_numpy(np.stack(images)).float() / 255

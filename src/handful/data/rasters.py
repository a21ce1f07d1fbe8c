"""GeoTIFFs of data sets, read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling

from ..errors import DataError

MOST_PIXELS = 4096**2  # of a site: more is not believed of a header


def raster(
    path: Path, bands: int, remedy: str, *, first: int | None = None, size: tuple[int, int] | None = None
) -> np.ndarray:
    """(bands, height, width) of a file with so many bands. Raises DataError where it is missing, broken or another.

    first  read only so many of the bands
    size   (height, width) that they are brought to, bilinear
    """
    if not path.is_file():
        raise DataError(f"{path} is missing. {remedy}")
    try:
        with rasterio.open(path, driver="GTiff") as file:
            if file.count != bands or file.width * file.height > MOST_PIXELS:
                raise DataError(
                    f"{path} has {file.count} bands of {file.height} x {file.width} pixels, expected {bands} of "
                    f"at most {MOST_PIXELS:,} pixels. {remedy}"
                )
            chosen = list(range(1, (first or bands) + 1))
            shape = None if size is None else (len(chosen), *size)
            return file.read(chosen, out_shape=shape, resampling=Resampling.bilinear)
    except DataError:
        raise
    except Exception as why:  # rasterio leaks private classes of errors
        raise DataError(f"{path} cannot be read ({str(why) or type(why).__name__}): fetch it again.") from why

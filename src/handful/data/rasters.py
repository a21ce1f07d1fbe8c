"""GeoTIFFs of data sets, read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio

from ..errors import DataError

MOST_PIXELS = 4096**2  # of a site: more is not believed of a header


def raster(path: Path, bands: int, remedy: str) -> np.ndarray:
    """(bands, height, width). Raises DataError where the file is missing, broken or of another kind."""
    if not path.is_file():
        raise DataError(f"{path} is missing. {remedy}")
    try:
        with rasterio.open(path, driver="GTiff") as file:
            if file.count != bands or file.width * file.height > MOST_PIXELS:
                raise DataError(
                    f"{path} has {file.count} bands of {file.height} x {file.width} pixels, expected {bands} of "
                    f"at most {MOST_PIXELS:,} pixels. {remedy}"
                )
            return file.read()
    except DataError:
        raise
    except Exception as why:  # rasterio leaks private classes of errors
        raise DataError(f"{path} cannot be read ({str(why) or type(why).__name__}): fetch it again.") from why

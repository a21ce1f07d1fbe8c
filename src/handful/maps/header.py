"""What a raster's header must be like, so that handful can map it: every refusal names the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
from affine import Affine

from ..errors import SceneError
from .grid import Grid

MOST_BANDS = 1024
NO_AREA = 1e-24  # of a pixel, in squared units of the CRS


def check_header(name: str, opened: Any) -> None:
    """Raise SceneError for a container, complex numbers or too many bands."""
    if opened.subdatasets:
        listed = "\n  ".join(opened.subdatasets[:20])
        raise SceneError(
            f"{name} is a container of {len(opened.subdatasets)} rasters: take one out with "
            f"gdal_translate SUBDATASET scene.tif, where SUBDATASET is one of\n  {listed}"
        )
    if not opened.count or not opened.width or not opened.height:
        raise SceneError(f"{name} holds no raster band: give a GeoTIFF, COG or JPEG 2000.")
    if opened.count > MOST_BANDS:
        raise SceneError(
            f"{name} has {opened.count:,} bands, and {MOST_BANDS:,} are the most: choose some with gdal_translate -b."
        )
    odd = {kind for kind in opened.dtypes if "complex" in kind}
    if odd:
        raise SceneError(
            f"{name} holds complex numbers ({', '.join(sorted(odd))}): "
            "make amplitudes of them first, with gdal_calc or your radar software."
        )


def grid_of(name: str, opened: Any) -> Grid:
    """The grid of a dataset.

    Raises SceneError where it is rotated, or is known by ground control points or RPCs only.
    """
    transform = opened.transform
    if transform.is_identity:
        points, rpcs = opened.gcps[0], opened.rpcs
        if points or rpcs:
            kind, option = ("ground control points", "-tps") if points else ("RPCs", "-rpc")
            raise SceneError(
                f"{name} has {kind} but no plain grid: warp it first, with gdalwarp {option} INPUT scene.tif"
            )
    numbers = np.array(transform[:6], float)
    if not np.isfinite(numbers).all() or abs(transform.determinant) < NO_AREA:
        raise SceneError(f"{name} has a grid without area {tuple(transform)[:6]}: give it one with gdal_edit -a_ullr.")
    turned = max(abs(transform.b) * opened.height, abs(transform.d) * opened.width)
    if turned > 0.01 * min(abs(transform.a), abs(transform.e)):
        raise SceneError(f"{name} has a rotated grid: warp it first, with gdalwarp INPUT scene.tif")
    plain = Affine(transform.a, 0.0, transform.c, 0.0, transform.e, transform.f)
    crs = None if transform.is_identity else opened.crs or None
    return Grid(crs, plain, opened.height, opened.width)

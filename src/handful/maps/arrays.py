"""Scenes that are already in memory: an xarray DataArray as a raster."""

from __future__ import annotations

from typing import Any

import numpy as np
from affine import Affine
from rasterio import MemoryFile

from ..errors import SceneError
from .header import MOST_BANDS
from .raster import Raster, reading

ACROSS, DOWN = ("x", "lon", "longitude", "easting"), ("y", "lat", "latitude", "northing")
ROWS = 512  # rows that are copied at once


def is_array(source: Any) -> bool:
    """Whether a source is an xarray DataArray or Dataset."""
    return hasattr(source, "dims") and hasattr(source, "coords")


def raster_of(source: Any) -> Raster:
    """A raster with the pixels, names, CRS and nodata of a DataArray (bands, y, x), or of a Dataset.

    Raises SceneError for other dimensions or uneven coordinates.
    """
    array = source.to_array("band") if hasattr(source, "data_vars") else source
    name = str(array.name or "the array")
    array = _ordered(array, name)
    transform, crs, nodata = _grid(array, name)
    profile: dict[str, Any] = dict(driver="GTiff", count=array.shape[0], height=array.shape[1], width=array.shape[2])
    profile |= dict(
        dtype=_kind(array, name), crs=crs, transform=transform, nodata=nodata, tiled=True, photometric="MINISBLACK"
    )
    if array.shape[0] > MOST_BANDS:
        raise SceneError(f"{name} has {array.shape[0]:,} bands, and {MOST_BANDS:,} are the most.")
    with reading(name):
        memory = MemoryFile()
        with memory.open(BIGTIFF="IF_SAFER", ALPHA="NO", **profile) as raster:
            for row in range(0, array.shape[1], ROWS):
                rows = np.asarray(array[:, row : row + ROWS].values, profile["dtype"])
                raster.write(rows, window=((row, row + rows.shape[1]), (0, rows.shape[2])))
            for index, text in enumerate(_names(array), start=1):
                raster.set_band_description(index, text)
    return Raster(memory, name)


def _ordered(array: Any, name: str) -> Any:
    """The array as (bands, y, x)."""
    across = [dim for dim in array.dims if str(dim).lower() in ACROSS]
    down = [dim for dim in array.dims if str(dim).lower() in DOWN]
    rest = [dim for dim in array.dims if dim not in (*across, *down)]
    rest = [dim for dim in rest if array.sizes[dim] > 1] or rest[:1]
    if len(across) != 1 or len(down) != 1 or len(rest) > 1 or 0 in array.shape:
        raise SceneError(
            f"{name} has the dimensions {dict(array.sizes)}: expected (band, y, x); "
            "choose one date with .isel(time=...) and leave the others out."
        )
    array = array.squeeze([dim for dim in array.dims if dim not in (*across, *down, *rest)])
    array = array if rest else array.expand_dims("band")
    return array.transpose(*(rest or ["band"]), *down, *across)


def _kind(array: Any, name: str) -> str:
    kind = np.dtype(array.dtype)
    if kind.kind == "b":
        return "uint8"
    if kind == np.float16:
        return "float32"
    if kind.kind not in "iuf":
        raise SceneError(f"{name} holds {kind}: numbers are expected.")
    return kind.name


def _grid(array: Any, name: str) -> tuple[Affine, Any, Any]:
    """Transform, CRS and nodata: from rioxarray where it is installed, else from the coordinates."""
    transform = _from_coordinates(array, name)
    try:
        import rioxarray  # noqa: F401

        space = array.rio.set_spatial_dims(x_dim=array.dims[2], y_dim=array.dims[1])
        crs, nodata = space.rio.crs, space.rio.nodata
        transform = transform or space.rio.transform()
    except ImportError:
        where = array.coords.get("spatial_ref")
        crs = None if where is None else where.attrs.get("crs_wkt")
        nodata = array.attrs.get("_FillValue", array.attrs.get("nodata"))
    return transform or Affine.identity(), crs, nodata


def _from_coordinates(array: Any, name: str) -> Affine | None:
    steps = []
    for dim in (array.dims[2], array.dims[1]):
        if dim not in array.coords or array.sizes[dim] < 2:
            return None
        places = np.asarray(array.coords[dim].values, float)
        step = (places[-1] - places[0]) / (len(places) - 1)
        if not np.allclose(np.diff(places), step, rtol=1e-3, atol=0):
            raise SceneError(f"{name}: its {dim} coordinates are unevenly spaced; bring it to a plain grid first.")
        steps.append((step, places[0] - step / 2))
    (across, left), (down, top) = steps
    return Affine(across, 0, left, 0, down, top)


def _names(array: Any) -> list[str]:
    """What an array calls its bands, as odc-stac, stackstac, rioxarray or a Dataset do."""
    dim = array.dims[0]
    names = array.attrs.get("long_name")
    if isinstance(names, str):
        names = (names,)
    for key in ("common_name", "band_name", dim):
        if key in array.coords and array.coords[key].dims == (dim,) and array.coords[key].dtype.kind in "UOT":
            names = [str(value) for value in array.coords[key].values]
            break
    return [str(text) for text in names] if names is not None and len(names) == array.shape[0] else []

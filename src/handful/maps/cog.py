"""The finished rasters: Cloud Optimized GeoTIFFs on the scene's own grid, with names, colours and QGIS styles beside.

A map is painted block by block into a plain tiled GeoTIFF; here it becomes a file to give away. The same painting
gives the same bytes, and memory stays the same for a raster of any size.
"""

from __future__ import annotations

import glob
import math
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as tree

import numpy as np
import rasterio
import rasterio.shutil
from rasterio._err import CPLE_BaseError  # its public errors don't cover every failure of GDAL
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from ..errors import EnvironmentFault
from ..files import whole, write_text
from .styles import SURE, TRUST, TRUST_COLOURS, VALUES, Ramp, add_palette, aux_xml, class_style, printable, ramp_style

MOST_IN_A_BYTE = 254  # classes beyond this need uint16
CACHE = 64 * 2**20  # bytes of GDAL's block cache
TILE = 512  # pixels a side


def class_type(classes: int) -> str:
    """The type of a map with so many classes, 0 kept for no data: uint8, or uint16 beyond 254 classes."""
    return "uint8" if classes <= MOST_IN_A_BYTE else "uint16"


def class_map(working: Path, path: Path, names: Sequence[str], colours: Mapping[str, str]) -> None:
    """`map.tif` of classes (value i + 1 is `names[i]`), its category names and its QGIS style.

    Raises EnvironmentFault where it cannot be written.
    """
    _finish(working, path, [("class", "")], "MODE", 0, (names, colours))
    write_text(path.with_name(path.name + ".aux.xml"), aux_xml(names, colours))
    write_text(path.with_suffix(".qml"), class_style(names, colours))


def trust_map(working: Path, path: Path) -> None:
    """`trust.tif`: 1 inside the area of applicability, 2 outside, 0 no data."""
    class_map(working, path, TRUST, TRUST_COLOURS)


def quantity_map(working: Path, path: Path, name: str, unit: str = "") -> None:
    """`map.tif` of a quantity in its unit (float32, NaN no data); QGIS shades from the 2nd to the 98th percentile."""
    _finish(working, path, [(name, unit)], "AVERAGE", math.nan)
    low, high = value_range(path)
    write_text(path.with_suffix(".qml"), ramp_style(low, high, VALUES, unit))


def confidence_map(working: Path, path: Path, ramp: Ramp = SURE) -> None:
    """`confidence.tif`: the calibrated probability that a pixel is right (float32, NaN no data)."""
    _finish(working, path, [("confidence", "")], "AVERAGE", math.nan)
    write_text(path.with_suffix(".qml"), ramp_style(0, 1, ramp))


def probabilities_map(working: Path, path: Path, names: Sequence[str]) -> None:
    """`probabilities.tif`: one band a class, its description the class's name (float32, NaN no data)."""
    _finish(working, path, [(name, "") for name in names], "AVERAGE", math.nan)


def similarity_map(working: Path, path: Path, names: Sequence[str]) -> None:
    """`similarity.tif`: how alike each pixel is to the examples, one band a kind (float32, NaN no data)."""
    _finish(working, path, [(name, "") for name in names], "AVERAGE", math.nan)
    write_text(path.with_suffix(".qml"), ramp_style(0, 1, VALUES))


def value_range(path: Path) -> tuple[float, float]:
    """The 2nd and 98th percentile of a raster's values, read from an overview; 0 and 1 where it has none."""
    with _quiet(), rasterio.open(path) as raster:
        scale = max(1.0, max(raster.shape) / 512)
        shape = tuple(max(1, round(side / scale)) for side in raster.shape)
        values = raster.read(1, out_shape=shape, resampling=Resampling.nearest)
    seen = values[np.isfinite(values)]
    if not len(seen):
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(seen, [2, 98]))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


Bands = Sequence[tuple[str, str]]  # description and unit of each band
Legend = tuple[Sequence[str], Mapping[str, str]]


def _finish(
    working: Path, path: Path, bands: Bands, overviews: str, nodata: float, legend: Legend | None = None
) -> None:
    """Copy the working raster into a COG under a temporary name, read its end back, rename."""
    predictor = "YES" if math.isnan(nodata) else "NO"
    options = dict(COMPRESS="DEFLATE", LEVEL="6", PREDICTOR=predictor, OVERVIEW_PREDICTOR=predictor)
    options |= dict(BLOCKSIZE=str(TILE), OVERVIEW_RESAMPLING=overviews, NUM_THREADS="1", BIGTIFF="IF_SAFER")
    try:
        with whole(path) as part, _leaving_nothing(part), _quiet(), rasterio.Env(GDAL_CACHEMAX=CACHE):
            rasterio.shutil.copy(_described(working, bands, nodata, legend), part, driver="COG", **options)
            _read_end(part)
    except (RasterioError, CPLE_BaseError, OSError) as why:
        free = shutil.disk_usage(path.parent).free / 1e6 if path.parent.is_dir() else 0
        raise EnvironmentFault(
            f"{path} could not be written ({why}): {free:,.0f} MB are free there; "
            "make room, or write to another folder with -o, and run the command again."
        ) from why


def _described(working: Path, bands: Bands, nodata: float, legend: Legend | None) -> str:
    """A VRT text of the working raster with descriptions, units, nodata and palette: it stays untouched itself."""
    with rasterio.open(working) as raster:
        root = tree.Element("VRTDataset", rasterXSize=str(raster.width), rasterYSize=str(raster.height))
        if raster.crs:
            tree.SubElement(root, "SRS", dataAxisToSRSAxisMapping="1,2").text = raster.crs.to_wkt()
        if not raster.transform.is_identity:
            tree.SubElement(root, "GeoTransform").text = ", ".join(f"{x:.17g}" for x in raster.transform.to_gdal())
        kind = GDAL_TYPES[raster.dtypes[0]]
    for index, (description, unit) in enumerate(bands, start=1):
        band = tree.SubElement(root, "VRTRasterBand", dataType=kind, band=str(index))
        tree.SubElement(band, "Description").text = printable(description)
        tree.SubElement(band, "UnitType").text = printable(unit)
        tree.SubElement(band, "NoDataValue").text = str(nodata)
        if legend:
            tree.SubElement(band, "ColorInterp").text = "Palette"
            add_palette(band, *legend)
        source = tree.SubElement(band, "SimpleSource")
        tree.SubElement(source, "SourceFilename", relativeToVRT="0").text = str(working.absolute())
        tree.SubElement(source, "SourceBand").text = str(index)
    return tree.tostring(root, encoding="unicode")


GDAL_TYPES = {"uint8": "Byte", "uint16": "UInt16", "float32": "Float32"}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without rasterio's warning that a scene has no georeference: that was said when it was opened."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


@contextmanager
def _leaving_nothing(part: Path) -> Iterator[None]:
    """Whatever GDAL put beside its unfinished file (overviews, side files) is gone afterwards."""
    try:
        yield
    finally:
        for left in part.parent.glob(glob.escape(part.name) + ".*"):
            left.unlink(missing_ok=True)


def _read_end(part: Path) -> None:
    """Read the last block of every band: GDAL can close a file on a full disk without a word."""
    with rasterio.open(part) as raster:
        raster.read(window=Window(raster.width - 1, raster.height - 1, 1, 1))

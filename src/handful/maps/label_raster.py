"""Labels as a raster: its cells go to the scene's grid by nearest neighbour, block by block."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window as Cut

from handful.errors import LabelsError
from handful.maps.grid import Grid
from handful.maps.label_columns import in_order, plain_text
from handful.maps.label_pixels import Pixels, blocks
from handful.maps.label_styles import category_names, parsed_file, raster_legend
from handful.maps.placing import both_extents
from handful.maps.vectors import existing, given_crs, head_of

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_CLASSES = 65534  # what a map in uint16 can hold


@dataclass(frozen=True)
class Legend:
    """Values of cells (c,), ascending, the index of the class of each, the classes' names and colours."""

    codes: np.ndarray
    classes: np.ndarray
    names: tuple[str, ...]
    hues: dict[str, str]

    def indexed(self, pixels: Pixels) -> Pixels:
        """Pixels with the index of their class in place of the cell's value; each class is a feature."""
        index = self.classes[np.searchsorted(self.codes, pixels.value)]
        return pixels._replace(value=index.astype(float), feature=index)


@dataclass
class LabelRaster:
    """A label raster, read on the scene's grid.

    values   an array (height, width), or an open dataset of the scene's grid
    nodata   the value of unlabelled cells; NaN and None are no value
    names    value -> class, where the raster brings names
    hues     value -> '#rrggbb', where it brings colours
    """

    name: str
    values: Any
    grid: Grid
    nodata: float | None
    names: dict[int, str] = field(default_factory=dict)
    hues: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    extents: str = ""

    def pixels(self) -> Iterator[Pixels]:
        """The labelled pixels of each block, all of one feature. Raises LabelsError."""
        found = False
        for window in blocks(self.grid.height, self.grid.width):
            values, valid = self._block(window)
            rows, columns = np.nonzero(valid)
            found |= bool(len(rows))
            index = (rows + window.row) * self.grid.width + columns + window.column
            yield Pixels(index, values[rows, columns].astype(float), np.zeros(len(index), np.int64))
        if not found:
            raise LabelsError(f"{self.name}: none of its cells labels a pixel of the scene. {self.extents}".rstrip())

    def legend(self) -> Legend:
        """What the values of the cells mean. Raises LabelsError where they are no classes."""
        codes = np.empty(0)
        for pixels in self.pixels():
            codes = np.union1d(codes, pixels.value)
            self._check(codes)
        own = [self.names.get(int(code), "") for code in codes]
        named = all(own) and len(set(own)) == len(own)
        names = own if named else [str(int(code)) for code in codes]
        order = in_order(set(names), numbers=not named)
        hues = {name: self.hues[int(code)] for name, code in zip(names, codes, strict=True) if int(code) in self.hues}
        return Legend(codes, np.array([order.index(name) for name in names]), order, hues)

    def _check(self, codes: np.ndarray) -> None:
        broken = codes[codes != np.round(codes)]
        if len(broken):
            raise LabelsError(
                f"{self.name}: cell value {broken[0]:g} is no class: classes are whole numbers. "
                "For a map of a quantity give --target-column with its name."
            )
        if len(codes) > MOST_CLASSES:
            raise LabelsError(f"{self.name}: more than {MOST_CLASSES:,} classes. Is it a quantity (--target-column)?")

    def _block(self, window: Any) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(self.values, np.ndarray):
            values = self.values[window.row : window.row + window.height, window.column : window.column + window.width]
            valid = np.ones(values.shape, dtype=bool)
        else:
            with plain_errors(self.name):
                cut = Cut(window.column, window.row, window.width, window.height)
                values = self.values.read(1, window=cut)
                valid = self.values.read_masks(1, window=cut) > 0
        if self.nodata is not None:
            valid &= values != self.nodata
        return values, valid & np.isfinite(values)


def is_raster(source: Any) -> bool:
    """Whether labels are an array, an open rasterio dataset or a GeoTIFF."""
    if isinstance(source, np.ndarray) or hasattr(source, "read_masks"):
        return True
    return isinstance(source, str | Path) and head_of(existing(source), 4) in MAGIC


@contextmanager
def opened(source: Any, grid: Grid, labels_crs: Any, quantity: bool) -> Iterator[LabelRaster]:
    """Open labels of a raster on the scene's grid; of a quantity only NaN and a declared nodata are unlabelled.

    Raises LabelsError, with the remedy, for whatever is not one band of numbers that can be placed.
    """
    with ExitStack() as stack:
        if isinstance(source, np.ndarray):
            yield _from_array(source, grid, quantity)
            return
        with plain_errors(str(getattr(source, "name", source))):
            data = source
            if not hasattr(source, "read_masks"):
                data = stack.enter_context(rasterio.open(existing(source).resolve(), driver="GTiff"))
            raster = _describe(data, grid, quantity)
            raster.values = _on_grid(raster, data, grid, labels_crs, stack)
        yield raster


@contextmanager
def plain_errors(name: str) -> Iterator[None]:
    """Turn whatever GDAL raises, which is of private classes at times, into a LabelsError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (LabelsError, MemoryError):
        raise
    except Exception as error:
        told = error.__cause__ if "previous exception" in str(error) and error.__cause__ else error
        said = " ".join(str(told).split())[:200]
        raise LabelsError(f"{name}: a label raster that cannot be read ({said}). Export it again.") from error


def _from_array(values: np.ndarray, grid: Grid, quantity: bool) -> LabelRaster:
    values = values[0] if values.ndim == 3 and len(values) == 1 else values
    if values.shape != (grid.height, grid.width) or values.dtype.kind not in "buif":
        raise LabelsError(
            f"labels in memory: an array of {values.dtype} {values.shape}; expected numbers of the scene's "
            f"{grid.height} rows and {grid.width} columns, 0 for unlabelled."
        )
    values = values.astype(np.uint8) if values.dtype.kind == "b" else values
    return LabelRaster("labels in memory", values, grid, *_unlabelled(None, quantity))


def _unlabelled(nodata: float | None, quantity: bool) -> tuple[float | None, dict[int, str], dict[int, str], list[str]]:
    if nodata is not None or quantity:
        return nodata, {}, {}, []
    return 0.0, {}, {}, ["The label raster declares no nodata value: 0 is taken as unlabelled."]


def _describe(data: Any, grid: Grid, quantity: bool) -> LabelRaster:
    """What a dataset says of itself: nodata, names, colours."""
    if not data.count or np.dtype(data.dtypes[0]).kind not in "uif":
        raise LabelsError(f"{data.name}: a label raster needs one band of numbers; it has {data.dtypes or 'no band'}.")
    raster = LabelRaster(data.name, data, grid, *_unlabelled(data.nodata, quantity))
    if data.count > 1:
        raster.notes.append(f"The label raster has {data.count} bands: the first is used.")
    beside = Path(data.name)
    legend = raster_legend(parsed_file(beside.with_suffix(".qml")))
    raster.names = {value: name for value, (name, _) in legend.items()}
    raster.names |= category_names(parsed_file(beside.with_name(beside.name + ".aux.xml")))
    raster.names = {value: plain_text(name) for value, name in raster.names.items()}
    raster.hues = _palette(data) | {value: hue for value, (_, hue) in legend.items() if hue}
    return raster


def _palette(data: Any) -> dict[int, str]:
    if data.colorinterp[0] != ColorInterp.palette:
        return {}
    return {value: "#{:02x}{:02x}{:02x}".format(*entry[:3]) for value, entry in data.colormap(1).items()}


def _on_grid(raster: LabelRaster, data: Any, grid: Grid, labels_crs: Any, stack: ExitStack) -> Any:
    """The dataset as it is where it lies on the scene's grid, else seen through a nearest-neighbour warp."""
    given = given_crs(labels_crs)
    crs = data.crs if given is None else rasterio.crs.CRS.from_wkt(given.to_wkt())
    same = (data.height, data.width) == (grid.height, grid.width)
    if same and (grid.crs is None or not crs or (crs == grid.crs and data.transform.almost_equals(grid.transform))):
        if grid.crs is not None and not crs:
            raster.notes.append("The label raster has no CRS but the scene's size: taken as lying on its pixels.")
        return data
    if grid.crs is None:
        raise LabelsError(
            f"{raster.name}: {data.height} rows and {data.width} columns; the scene, which has no georeference, "
            f"has {grid.height} and {grid.width}. Give a label raster of the scene's size."
        )
    if not crs:
        raise LabelsError(f"{raster.name}: it has no CRS. Say it with --labels-crs, such as --labels-crs EPSG:32633.")
    raster.extents = _extents(crs, data.bounds, grid)
    # a copy of the cells' type has no room for NaN, and outside the raster nothing is labelled
    settings: dict[str, Any] = {} if raster.nodata is None else {"src_nodata": raster.nodata, "nodata": raster.nodata}
    if raster.nodata is None:
        settings = {"nodata": float("nan"), "dtype": "float64"}
    return stack.enter_context(
        WarpedVRT(
            data,
            src_crs=crs,
            crs=grid.crs,
            transform=grid.transform,
            height=grid.height,
            width=grid.width,
            resampling=Resampling.nearest,
            **settings,
        )
    )


def _extents(crs: Any, bounds: Any, grid: Grid) -> str:
    try:
        return both_extents(np.array(transform_bounds(crs, grid.crs, *bounds)).reshape(2, 2), grid)
    except Exception:  # bounds that the scene's CRS cannot hold: said of PROJ in several classes
        return "Its extent lies outside the scene's CRS. Check the CRS of both."

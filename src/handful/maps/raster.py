"""One raster: opened by the one driver that its content asks for, checked, and read window by window."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as RasterWindow

from ..errors import EnvironmentFault, HandfulError, SceneError
from .fits import Stored, check_fits, check_plausible
from .formats import driver_of
from .grid import Window
from .header import check_header, grid_of
from .quiet import hush

# No Python in VRTs, nothing from the network, a bounded cache of blocks (MB).
OPTIONS: dict[str, Any] = {"GDAL_VRT_ENABLE_PYTHON": "NO", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none"}
OPTIONS |= {"GDAL_CACHEMAX": 128, "GDAL_NUM_THREADS": "1", "GDAL_MAX_DATASET_POOL_SIZE": "64"}
SECOND = {"netCDF": "HDF5"}  # the driver to try after one that fails


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Whatever goes wrong while a raster is read becomes one clear error that names it."""
    hush()
    try:
        with rasterio.Env(**OPTIONS):
            yield
    except (HandfulError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except MemoryError as error:
        raise EnvironmentFault(f"{name}: not enough memory to read it; close other programs.") from error
    except PermissionError as error:
        raise EnvironmentFault(f"{name} may not be read (no permission): ask for the right to read it.") from error
    except BaseException as error:  # rasterio leaks GDAL's private error classes
        told = error.__cause__ if "previous exception" in str(error) and error.__cause__ else error
        why = " ".join(str(told).split())[:300] or type(told).__name__
        raise SceneError(
            f"{name} cannot be read ({why}): it is damaged or truncated; copy or download it again."
        ) from error


class Raster:
    """One raster without rotation, its bands in file order; every thread reads through a handle of its own.

    name      for messages
    features  1-based indices of the bands that are not alpha
    """

    def __init__(self, source: Any, name: str | None = None) -> None:
        """`source`: the path of a file, an open rasterio dataset (which stays the caller's), or a MemoryFile.

        Raises SceneError, with the remedy, for everything that cannot be read.
        """
        self._memory = source if isinstance(source, rasterio.MemoryFile) else None
        source = source.open() if self._memory else source
        borrowed = hasattr(source, "read_masks")
        self.path = None if borrowed else Path(source)
        self.name = name or str(source.name if borrowed else source)
        self.short = self.path.name if self.path else self.name  # for notes
        self.stored: Stored | None = None  # of a sparse file
        self._borrowed = source if borrowed else None
        self._lock, self._local = threading.Lock(), threading.local()
        self._opened: list[Any] = []
        if self.path is not None:
            self._driver = driver_of(self.path)
            self.stored = check_fits(self.path, self._driver)
        with reading(self.name):
            self._take(self.handle())

    def handle(self) -> Any:
        """This thread's dataset."""
        if self._borrowed is not None:
            return self._borrowed
        found = getattr(self._local, "handle", None)
        if found is None or found.closed:
            found = self._open()
            self._local.handle = found
            with self._lock:
                self._opened.append(found)
        return found

    def _open(self) -> Any:
        assert self.path is not None
        path = self.path.absolute().as_posix()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            try:
                return rasterio.open(path, driver=self._driver)
            except Exception:
                if self._driver not in SECOND:
                    raise
                return rasterio.open(path, driver=SECOND[self._driver])

    def close(self) -> None:
        with self._lock:
            for handle in self._opened:
                handle.close()
            self._opened.clear()
        if self._memory and self._borrowed is not None:
            self._borrowed.close()
            self._memory.close()

    def _take(self, opened: Any) -> None:
        """Keep what the header says, once it has been checked."""
        check_header(self.name, opened)
        if self.path is not None:
            item = max(np.dtype(kind).itemsize for kind in opened.dtypes)
            check_plausible(self.path, self._driver, opened.height, opened.width, opened.count, item)
        self.grid = grid_of(self.name, opened)
        self.dtypes: tuple[str, ...] = opened.dtypes
        self.descriptions: tuple[str | None, ...] = _descriptions(opened)
        self.tags: dict[str, str] = _all_tags(opened, 0)
        self.band_tags = [_all_tags(opened, index) for index in opened.indexes]
        self.scales, self.offsets = opened.scales, opened.offsets
        self.nodata: tuple[float | None, ...] = opened.nodatavals
        self.alpha = [i for i, c in zip(opened.indexes, opened.colorinterp, strict=True) if c == ColorInterp.alpha]
        self.masked = [
            i
            for i, flags in zip(opened.indexes, opened.mask_flag_enums, strict=True)
            if not {MaskFlags.all_valid, MaskFlags.nodata, MaskFlags.alpha} & set(flags)
        ]
        self.palette = _palette(opened) if opened.count - len(self.alpha) == 1 else None
        last = RasterWindow(opened.width - 1, opened.height - 1, 1, 1)
        opened.read(window=last)  # a truncated file shows at its end

    @property
    def count(self) -> int:
        """Bands in the file, alpha included."""
        return len(self.dtypes)

    @property
    def features(self) -> list[int]:
        return [index for index in range(1, self.count + 1) if index not in self.alpha]

    @property
    def declares(self) -> bool:
        """Whether the file itself says which pixels are valid."""
        return bool(self.alpha or self.masked) or any(value is not None for value in self.nodata)

    def read(self, indexes: list[int], window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Stored values (bands, height, width) and which pixels the file calls valid (height, width).

        The window lies within the raster. A palette image gives its red, green and blue.
        """
        at = RasterWindow(window.column, window.row, window.width, window.height)
        with reading(self.name), self._lock if self._borrowed is not None else nullcontext():
            return self._read(self.handle(), indexes, at)

    def read_plain(self, index: int, window: Window) -> np.ndarray:
        """Stored values (height, width) of one band, whatever they mean; for masks and classes."""
        at = RasterWindow(window.column, window.row, window.width, window.height)
        with reading(self.name), self._lock if self._borrowed is not None else nullcontext():
            return self.handle().read(index, window=at)

    def _read(self, handle: Any, indexes: list[int], at: RasterWindow) -> tuple[np.ndarray, np.ndarray]:
        values = handle.read(indexes, window=at)
        valid = np.ones(values.shape[1:], bool)
        for index, band in zip(indexes, values, strict=True):
            valid &= ~is_nodata(band, self.nodata[index - 1])
        masks = [*self.alpha, *(index for index in self.masked if index in indexes)]
        if self.alpha:
            valid &= (handle.read(self.alpha, window=at) > 0).all(0)
        if set(masks) - set(self.alpha):
            valid &= (handle.read_masks([i for i in masks if i not in self.alpha], window=at) > 0).all(0)
        if self.palette is not None:
            colours = self.palette[np.clip(values[0], 0, len(self.palette) - 1).astype(np.intp)]
            return np.moveaxis(colours[..., :3], -1, 0), valid & (colours[..., 3] > 0)
        return values, valid


def is_nodata(band: np.ndarray, nodata: float | None) -> np.ndarray:
    """Where a band holds its nodata value, compared in the band's own type; NaN is found by its own test."""
    if nodata is None or np.isnan(nodata):
        return np.zeros(band.shape, bool)
    if band.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return band == band.dtype.type(nodata)
    limits = np.iinfo(band.dtype)
    if float(nodata) == float(limits.max):  # 64-bit limits don't survive as floats
        return band == limits.max
    fits = float(nodata).is_integer() and limits.min <= int(nodata) <= limits.max
    return band == band.dtype.type(int(nodata)) if fits else np.zeros(band.shape, bool)


def _descriptions(opened: Any) -> tuple[str | None, ...]:
    """What the file calls its bands; nothing where it says so in another encoding than UTF-8."""
    try:
        return tuple(opened.descriptions)
    except UnicodeDecodeError:
        return (None,) * int(opened.count)


def _all_tags(opened: Any, index: int) -> dict[str, str]:
    """The metadata of the file (index 0) or of a band, in all domains that describe bands; keys in small letters."""
    found: dict[str, str] = {}
    for domain in (None, "IMAGERY", "ENVI", "IMD"):
        for key, value in opened.tags(index, ns=domain).items():
            found[key.lower()] = value
            name, equals, rest = value.partition("=")  # GDAL splits "eo:common_name=red" at the colon
            if equals and name.isidentifier():
                found[f"{key}:{name}".lower()] = rest
    return found


def _palette(opened: Any) -> np.ndarray | None:
    """The colour table (256, 4) of a palette image."""
    if opened.colorinterp[0] != ColorInterp.palette:
        return None
    try:
        table = opened.colormap(1)
    except ValueError:
        return None
    colours = np.zeros((max(table) + 1, 4), np.uint8)
    for value, colour in table.items():
        colours[value] = colour
    return colours

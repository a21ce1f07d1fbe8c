"""Which file is a raster, and of which format: by its content, never by its name, and with no way to the network."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from xml.etree import ElementTree as tree

from ..errors import EnvironmentFault, SceneError
from ..files import is_text

HEAD = 4096  # bytes that are looked at
MAGIC: tuple[tuple[bytes, str], ...] = (
    *((start, "GTiff") for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    *((start, "JP2OpenJPEG") for start in (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"EHFA_HEADER_TAG", "HFA"),
    (b"BM", "BMP"),
    (b"GIF8", "GIF"),
    (b"\x89HDF\r\n\x1a\n", "netCDF"),
    (b"\x0e\x03\x13\x01", "HDF4"),
    (b"CDF", "netCDF"),
    (b"GRIB", "GRIB"),
    (b"NITF", "NITF"),
    (b"SQLite format 3", "GPKG"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF", "PDF"),
)
READ = {"GTiff", "JP2OpenJPEG", "PNG", "JPEG", "HFA", "BMP", "GIF", "AAIGrid", "ENVI", "VRT"}
READ |= {"netCDF", "GRIB", "NITF", "GPKG"}  # where they hold one raster: containers of several are refused later
REMEDY = "give a GeoTIFF, COG, JPEG 2000 or PNG, or convert with: gdal_translate INPUT scene.tif"
MOST_XML = 64 * 2**20  # bytes of a VRT
DEEP = 8  # VRTs within VRTs


def driver_of(path: Path) -> str:
    """The one GDAL driver that opens the file.

    Raises SceneError for what is no local raster file, EnvironmentFault where it may not be read.
    """
    head = _head(path)
    driver = _known(head, path)
    if driver is None:
        raise SceneError(f"{path} is not a raster: {REMEDY}.")
    if driver not in READ:
        raise SceneError(f"{path} is a {driver} file, which handful doesn't read: {_unpack(driver)}.")
    if driver == "VRT":
        _check_vrt(path)
    return driver


def _unpack(driver: str) -> str:
    if driver in ("ZIP", "gzip"):
        return "unpack it and give the rasters inside"
    return f"list its subdatasets with gdalinfo, then convert one with gdal_translate; {REMEDY}"


def _head(path: Path) -> bytes:
    """The first bytes of a local, regular, non-empty file."""
    if re.match(r"/vsi|[a-zA-Z][\w+.-]+:/", str(path)):
        raise SceneError(f"{path} is not a file on this machine: download it and give its path.")
    if not is_text(str(path)):
        raise SceneError(f"{path} has a name that is not UTF-8, which GDAL can't open: rename it.")
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SceneError(f"{path} is a folder: give the raster files inside it.")
        if not stat.S_ISREG(status.st_mode):
            raise SceneError(f"{path} is not a regular file: give the path of a raster file.")
        if not status.st_size:
            raise SceneError(f"{path} is empty (0 bytes): copy or download it again.")
        with open(path, "rb") as file:
            return file.read(HEAD)
    except PermissionError as error:
        raise EnvironmentFault(f"{path} may not be read (no permission): ask for the right to read it.") from error
    except (OSError, ValueError) as error:
        raise SceneError(
            f"{path} was not found: check the path ({getattr(error, 'strerror', None) or error})."
        ) from error


def _known(head: bytes, path: Path) -> str | None:
    for start, driver in MAGIC:
        if head.startswith(start):
            return driver
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if text.startswith((b"<vrtdataset", b"<?xml")):
        return _xml(head, path)
    if text.startswith((b"ncols", b"nrows")):
        return "AAIGrid"
    return "ENVI" if _envi_header(path) else None


def _xml(head: bytes, path: Path) -> str | None:
    if b"<vrtdataset" not in head.lower():
        return None
    if path.suffix.lower() != ".vrt":
        raise SceneError(f"{path} is a VRT (a list of other rasters) under another name: rename it to end in .vrt.")
    return "VRT"


def _envi_header(path: Path) -> bool:
    for header in (path.with_suffix(".hdr"), Path(f"{path}.hdr")):
        try:
            if header != path and header.is_file():
                with open(header, "rb") as file:
                    if file.read(4) == b"ENVI":
                        return True
        except OSError:
            continue
    return False


def _check_vrt(path: Path, deep: int = 0) -> None:
    """Raise SceneError unless every source of a VRT is a raster file on this machine."""
    if deep > DEEP:
        raise SceneError(f"{path}: VRTs within VRTs, {DEEP} deep; make one GeoTIFF of it with gdal_translate.")
    for source in _vrt_sources(path):
        if re.match(r"/vsi|<|[a-zA-Z][\w+.-]+:", str(source)):
            raise SceneError(f"{path} points at {str(source)[:200]}, which is not a file on this machine: download it.")
        try:
            nested = driver_of_source(source)
        except SceneError as error:
            raise SceneError(f"{path} points at a file that can't be used: {error}") from error
        if nested == "VRT":
            _check_vrt(source, deep + 1)


def driver_of_source(source: Path) -> str:
    """As `driver_of`, for a file that a VRT points at."""
    driver = _known(_head(source), source)
    if driver not in READ:
        raise SceneError(f"{source} is not a raster.")
    return driver


def _vrt_sources(path: Path) -> list[Path]:
    """The files that a VRT points at."""
    if path.stat().st_size > MOST_XML:
        raise SceneError(
            f"{path} is a VRT of more than {MOST_XML >> 20} MB: make one GeoTIFF of it with gdal_translate."
        )
    content = path.read_bytes()
    if b"<!DOCTYPE" in content.upper() or b"<!ENTITY" in content.upper():
        raise SceneError(f"{path} is not a plain VRT (it declares XML entities): make it again with gdalbuildvrt.")
    try:
        root = tree.fromstring(content)  # noqa: S314 - entities are refused above
    except (tree.ParseError, ValueError, LookupError) as error:
        raise SceneError(f"{path} is a damaged VRT ({error}): make it again with gdalbuildvrt.") from error
    found = []
    for element in root.iter():
        if element.tag.lower() in ("sourcefilename", "sourcedataset") and element.text:
            attributes = {key.lower(): value for key, value in element.attrib.items()}
            beside = attributes.get("relativetovrt") == "1"
            text = element.text.strip()
            found.append(Path(os.path.join(path.parent, text)) if beside else Path(text))
    return found

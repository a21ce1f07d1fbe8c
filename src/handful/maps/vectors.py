"""Vector files by their content: each format is opened by the one reader that knows it, never by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from handful.errors import EnvironmentFault, LabelsError
from handful.maps.grid import Grid
from handful.maps.label_styles import style_beside
from handful.maps.placing import Features
from handful.maps.vector_csv import decoded, header, read_csv
from handful.maps.vector_geojson import read_geojson
from handful.maps.vector_layer import Layer, parse_crs
from handful.maps.vector_ogr import read_flatgeobuf, read_geopackage, read_shapefile

FORMATS = "GeoPackage, GeoJSON, Shapefile, FlatGeobuf, CSV with columns lon and lat, or GeoTIFF"
PACKED = {b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip", b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"BZh": "bzip2"}
PARTS_OF_SHAPEFILE = (".dbf", ".shx", ".prj", ".cpg")


def read_features(
    source: Any, grid: Grid, *, labels_crs: Any = None, layer: str | None = None, column: str | None = None
) -> Features:
    """Read a vector file or a GeoDataFrame; its CRS is then known, or needless as the scene has none.

    Raises LabelsError for what is missing, damaged, empty, of another format or without a known CRS.
    """
    if isinstance(source, gpd.GeoDataFrame | gpd.GeoSeries):
        name, read = "labels in memory", _from_frame(source)
    else:
        path = existing(source)
        name, read = str(path), _from_file(path, layer, column, labels_crs is not None)
        read.style = read.style or style_beside(path)
    if not len(read.geometry):
        raise LabelsError(f"{name}: it holds no features. Add labels to it, or give another file.")
    crs, notes = _crs(name, read, labels_crs, grid)
    return Features(name, read.geometry, read.table, crs, read.notes + notes, read.style)


def existing(source: Any) -> Path:
    """The path of a file on this machine, or LabelsError where there is none."""
    if not isinstance(source, str | Path):
        raise LabelsError(f"Labels are a path, a GeoDataFrame, a rasterio dataset or an array, not {type(source)}.")
    path = Path(source)
    try:
        if path.is_file():
            return path
        what = "is a folder: give a file in it" if path.is_dir() else "there is no such file"
    except PermissionError as error:
        raise EnvironmentFault(f"{path}: no permission to read it.") from error
    except (OSError, ValueError) as error:
        what = f"not a path on this machine ({error})"
    raise LabelsError(f"{source or path}: {what}.")


def head_of(path: Path, size: int = 65536) -> bytes:
    """The first bytes of a file. Raises EnvironmentFault where it must not be read."""
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except PermissionError as error:
        raise EnvironmentFault(f"{path}: no permission to read it.") from error


def _from_file(path: Path, layer: str | None, column: str | None, prefer_xy: bool) -> Layer:
    head = head_of(path)
    if head.startswith(b"SQLite format 3\0"):
        return read_geopackage(path, layer, column)
    if head.startswith(b"fgb\x03fgb"):
        return read_flatgeobuf(path)
    if head.startswith(b"\0\0\x27\x0a") and path.suffix.lower() != ".shx":
        return read_shapefile(path)
    text = decoded(head)[0].lstrip("\ufeff \t\r\n")
    if text.startswith(("{", "[")):
        return read_geojson(path)
    if b"\0" not in decoded(head)[0].encode() and not text.startswith("<") and header(decoded(head)[0]):
        return read_csv(path, prefer_xy)
    raise LabelsError(f"{path}: {_what_it_is(path, head, text)}")


def _what_it_is(path: Path, head: bytes, text: str) -> str:
    """Why a file is none of ours, and what to do."""
    if not head:
        return "the file is empty."
    packed = [name for magic, name in PACKED.items() if head.startswith(magic)]
    if packed:
        return f"a {packed[0]} archive. Unpack it and give the file with the labels."
    if path.suffix.lower() in PARTS_OF_SHAPEFILE:
        return f"a part of a Shapefile. Give {path.with_suffix('.shp').name}."
    if text.startswith("<"):
        return f"XML (KML, GML or a VRT, say). Save the labels as GeoPackage; read are {FORMATS}."
    if b"\0" not in head and text.isprintable() | ("\n" in text):
        return "text, but its first line names no columns lon and lat, or x and y. " + f"Read are {FORMATS}."
    return f"not a file of labels that can be read: {FORMATS}."


def _from_frame(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> Layer:
    series = frame.geometry
    table = pd.DataFrame(frame.drop(columns=series.name)) if isinstance(frame, gpd.GeoDataFrame) else pd.DataFrame()
    crs, trouble = parse_crs(series.crs)
    return Layer(np.array(series.array, dtype=object), table, crs, trouble or Layer.trouble)


def _crs(name: str, read: Layer, labels_crs: Any, grid: Grid) -> tuple[CRS | None, list[str]]:
    if grid.crs is None:
        return None, ["The scene has no georeference: x and y of the labels are taken as columns and rows."]
    given = given_crs(labels_crs)
    if given is not None:
        if read.crs is None or read.crs == given:
            return given, []
        return given, [f"--labels-crs {given.name} is used, though the labels say {read.crs.name}."]
    if read.crs is None:
        raise LabelsError(f"{name}: {read.trouble}. Say it with --labels-crs, such as --labels-crs EPSG:4326.")
    return read.crs, []


def given_crs(labels_crs: Any) -> CRS | None:
    """The CRS that a person gave; None where none was given. Raises LabelsError for one that nobody knows."""
    if labels_crs is None:
        return None
    crs, _ = parse_crs(labels_crs)
    if crs is None:
        raise LabelsError(f"--labels-crs: '{labels_crs}' is no known CRS. Give a code such as EPSG:32633.")
    return crs

"""GeoPackage, Shapefile and FlatGeobuf, sniffed and checked before GDAL sees them, so that it never has to guess."""

from __future__ import annotations

import re
import shutil
import sqlite3
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyogrio

from handful.errors import LabelsError, did_you_mean
from handful.maps.vector_layer import Layer, parse_crs

T = TypeVar("T")
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)  # the second where the message quotes damaged names
ODD = re.compile(r"[!;?#\\\x00-\x1f\x7f\ud800-\udfff]|\.zip$|^/vsi|^//", re.IGNORECASE)
UNFINISHED = ("-wal", "-journal")  # of an SQLite database: changes that a killed program left
SAFE_MODULES = ("rtree", "fts")  # of SQLite's virtual tables; others may read files elsewhere


def read_geopackage(path: Path, layer: str | None, column: str | None) -> Layer:
    """Read the layer named, or the only one that has the column. Raises LabelsError."""
    _check_geopackage(path)
    layers = [str(name) for name, kind in _gdal(path, pyogrio.list_layers) if kind is not None]
    chosen, notes = _choose(path, layers, layer, column)
    read = _read(path, chosen)
    read.style, read.notes = _stored_style(path, chosen), notes
    return read


def read_shapefile(path: Path) -> Layer:
    """Read a Shapefile with the .shx and .dbf beside it. Raises LabelsError."""
    size, said = path.stat().st_size, struct.unpack(">i", _head(path, 28)[24:])[0] * 2
    if said > size:
        raise _truncated(path, said, size)
    for suffix, holds in ((".shx", "where each shape is"), (".dbf", "its columns")):
        beside = _beside(path, suffix)
        if beside is None:
            raise LabelsError(
                f"{path}: the file {path.stem}{suffix} beside it is missing; it holds {holds}. A Shapefile is several "
                "files of one name (.shp, .shx, .dbf, .prj): copy them all."
            )
        if suffix == ".dbf":
            _check_dbf(beside)
    read = _read(path, None)
    projection = _beside(path, ".prj")
    text = projection.read_text(errors="replace").strip() if projection else ""
    if read.crs is None and text:
        read.crs, read.trouble = parse_crs(text)
    return read


def read_flatgeobuf(path: Path) -> Layer:
    """Read a FlatGeobuf. Raises LabelsError."""
    read = _read(path, None)
    count = int(_gdal(path, pyogrio.read_info)["features"])
    if count > len(read.table):
        raise LabelsError(f"{path}: truncated: {len(read.table):,} of {count:,} features can be read. Copy it again.")
    return read


def _read(path: Path, layer: str | None) -> Layer:
    crs, trouble = parse_crs(_gdal(path, pyogrio.read_info, layer=layer)["crs"])
    frame = _gdal(path, _frame, layer=layer)
    if "geometry" not in frame.columns:
        raise LabelsError(f"{path}: its layer has columns but no geometries, so nothing says where the labels are.")
    geometry = np.array(frame["geometry"].array, dtype=object)
    return Layer(geometry, pd.DataFrame(frame.drop(columns="geometry")), crs, trouble)


def _frame(path: Path, layer: str | None) -> Any:
    try:
        return pyogrio.read_dataframe(path, layer=layer, on_invalid="ignore")
    except UnicodeDecodeError:
        return pyogrio.read_dataframe(path, layer=layer, on_invalid="ignore", encoding="ISO-8859-1")


def _gdal(path: Path, call: Callable[..., T], **settings: Any) -> T:
    """Call GDAL on a file; whatever it raises, which is of many private classes, becomes a LabelsError."""
    with warnings.catch_warnings(), _kept_still(path) as plain:
        warnings.simplefilter("ignore")
        try:
            return call(plain, **settings)
        except MemoryError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            what = f"damaged, or not the format that it seems ({said})"
            if isinstance(error, pyogrio.errors.CRSError):
                what = f"its CRS is unknown ({said})"
            raise LabelsError(f"{path}: {what}. Export the labels again, in a CRS that has an EPSG code.") from error


@contextmanager
def _kept_still(path: Path) -> Iterator[Path]:
    """The file's path, or that of a link to it where pyogrio would take the name for an address or an archive.

    A database with unfinished changes beside it is copied: whoever opens it finishes them, and so changes the file.
    """
    path = path.resolve()
    unfinished = [log for log in (path.with_name(path.name + suffix) for suffix in UNFINISHED) if log.is_file()]
    if not unfinished and not ODD.search(str(path)):
        yield path
        return
    with TemporaryDirectory(prefix="handful-") as folder:
        beside = [path, *unfinished] if unfinished else [one for one in path.parent.iterdir() if one.stem == path.stem]
        for one in beside:
            plain = Path(folder, _plain_name(one))
            if unfinished:
                shutil.copyfile(one, plain)
            else:
                plain.symlink_to(one)
        yield Path(folder, _plain_name(path))


def _plain_name(path: Path) -> str:
    return "labels" + path.suffix.replace(".zip", "")


def _choose(path: Path, layers: list[str], layer: str | None, column: str | None) -> tuple[str, list[str]]:
    listing = f"Its layers: {', '.join(layers)}."
    if not layers:
        raise LabelsError(f"{path}: a GeoPackage without a layer of features.")
    if layer is not None:
        if layer not in layers:
            hint = did_you_mean(layer, layers)
            hint = f" {hint}" if hint.startswith("Did") else ""
            raise LabelsError(f"{path}: there is no layer '{layer}'.{hint} {listing}")
        return layer, []
    if len(layers) == 1:
        return layers[0], []
    able = [name for name in layers if column in _gdal(path, pyogrio.read_info, layer=name)["fields"]]
    if len(able) == 1:
        return able[0], [f"Labels are read from layer '{able[0]}', the only one with a column '{column}'."]
    have = f"{len(able) or 'none'} of them with a column '{column}'" if column else "and no column is named"
    raise LabelsError(f"{path}: {len(layers)} layers, {have}: give --layer. {listing}")


def _check_geopackage(path: Path) -> None:
    try:
        with _database(path) as database:
            made = database.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    except UNREADABLE as error:
        raise LabelsError(f"{path}: damaged or truncated ({error}). Copy or export it again.") from None
    names = {str(name) for _, name, _ in made}
    if not {"gpkg_contents", "gpkg_geometry_columns"} <= names:
        raise LabelsError(f"{path}: an SQLite database, but not a GeoPackage of features. Export it as GeoPackage.")
    for kind, name, sql in made:
        if _reaches_out(str(kind), " ".join(str(sql).lower().split())):
            raise LabelsError(
                f"{path}: its {kind} '{name}' computes its rows, perhaps from other files. Export the layer again."
            )


def _reaches_out(kind: str, sql: str) -> bool:
    if kind == "view":
        return "recursive" in sql
    _, virtual, module = sql.partition(" using ")
    return sql.startswith("create virtual") and not (virtual and module.lstrip().startswith(SAFE_MODULES))


def _stored_style(path: Path, layer: str) -> str:
    """The style that QGIS keeps in table layer_styles, the default one first; empty without one."""
    ask = "SELECT styleQML FROM layer_styles WHERE f_table_name = ? ORDER BY useAsDefault DESC LIMIT 1"
    try:
        with _database(path) as database:
            if not database.execute(
                "SELECT 1 FROM sqlite_master WHERE name='layer_styles' AND type='table'"
            ).fetchone():
                return ""
            found = database.execute(ask, (layer,)).fetchone()
    except UNREADABLE:
        return ""
    return found[0] if found and isinstance(found[0], str) else ""


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    with _kept_still(path) as plain:
        # without a log to read, SQLite is kept from leaving an empty one beside the file
        log = "" if plain.with_name(plain.name + "-wal").exists() else "&immutable=1"
        with closing(sqlite3.connect(f"{plain.resolve().as_uri()}?mode=ro{log}", uri=True)) as database:
            database.text_factory = lambda text: text.decode(errors="replace")
            database.execute("PRAGMA trusted_schema = OFF")
            yield database


def _check_dbf(path: Path) -> None:
    rows, start, width = struct.unpack("<IHH", _head(path, 12)[4:])
    if start + rows * width > path.stat().st_size:
        raise _truncated(path, start + rows * width, path.stat().st_size)


def _head(path: Path, size: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(size).ljust(size, b"\0")


def _truncated(path: Path, said: int, size: int) -> LabelsError:
    return LabelsError(f"{path}: truncated: its header promises {said:,} bytes, it has {size:,}. Copy it again.")


def _beside(path: Path, suffix: str) -> Path | None:
    for name in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
        if name.is_file():
            return name
    return None

"""Labels in a table of text: one point a row, in columns lon and lat, or x and y."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from handful.errors import LabelsError
from handful.maps.vector_layer import WGS84, Layer

LONGITUDES, LATITUDES = ("lon", "longitude", "long", "lng"), ("lat", "latitude")
EASTINGS, NORTHINGS = ("x", "easting", "column", "col"), ("y", "northing", "row")
LINE_END = re.compile(r"[\r\n]")
WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,17})(\.0*)?")
EMPTY = ("", "null", "none", "nan", "na", "n/a", "<na>")
MOST = 512 * 2**20  # bytes


def header(text: str) -> tuple[list[str], str] | None:
    """The column names and the delimiter of a table that has columns for coordinates; None for another text."""
    first = LINE_END.split(text.lstrip("\r\n"), maxsplit=1)[0]
    for delimiter in ",;\t":
        try:
            names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
        except csv.Error:  # a line too long for a table
            return None
        if _coordinates(names):
            return names, delimiter
    return None


def read_csv(path: Path, prefer_xy: bool) -> Layer:
    """Read points; x and y are preferred to lon and lat where both are there and a CRS is given. Raises LabelsError."""
    if path.stat().st_size > MOST:
        raise LabelsError(f"{path}: a table of more than {MOST >> 20} MB. Save it as GeoPackage.")
    text, notes = decoded(path.read_bytes())
    found = header(text)
    assert found is not None  # it was sniffed
    names, delimiter = found
    rows = _rows(path, text, delimiter, len(names))
    table = pd.DataFrame({name: _typed([row[at] for row in rows]) for at, name in enumerate(names)}, dtype=object)
    places = _coordinates(names)
    x, y, degrees = places[-1] if prefer_xy else places[0]
    points = shapely.points(_numbers(rows, x, delimiter), _numbers(rows, y, delimiter))
    table = table.drop(columns=[names[at] for place in places for at in place[:2]])
    layer = Layer(np.asarray(points, dtype=object).reshape(-1), table, WGS84 if degrees else None, notes=notes)
    layer.trouble = f"columns {names[x]} and {names[y]} don't say in which CRS they are"
    return layer.without_false_degrees() if degrees else layer


def decoded(content: bytes) -> tuple[str, list[str]]:
    """Text of a table: UTF-8, UTF-16 with its mark, else Latin 1, which is said."""
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return content.decode(encoding), []
        except UnicodeDecodeError:
            pass
    return content.decode("latin-1"), ["The table is not UTF-8: read as Latin 1; check the names of the classes."]


def _coordinates(names: list[str]) -> list[tuple[int, int, bool]]:
    """Pairs of (x's column, y's column, whether in degrees)."""
    low, pairs = [name.lower() for name in names], []
    for across, up, degrees in ((LONGITUDES, LATITUDES, True), (EASTINGS, NORTHINGS, False)):
        x, y = [name for name in across if name in low], [name for name in up if name in low]
        if x and y:
            pairs.append((low.index(x[0]), low.index(y[0]), degrees))
    return pairs


def _rows(path: Path, text: str, delimiter: str, width: int) -> list[list[str]]:
    reader, rows = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=delimiter), []
    try:
        next(reader)
        for row in reader:
            if row and any(row):
                if len(row) != width:
                    raise csv.Error(f"{len(row)} fields, but the header names {width}")
                rows.append(row)
    except csv.Error as error:
        raise LabelsError(
            f"{path}: line {reader.line_num}: {error}. Mend the line, or export the table again."
        ) from None
    return rows


def _typed(column: list[str]) -> list[Any]:
    """Whole numbers where all of a column are (so that 10 comes after 9), else text; None for nothing."""
    values = [None if value.strip().lower() in EMPTY else value.strip() for value in column]
    if all(value is None or WHOLE.fullmatch(value) for value in values):
        return [None if value is None else int(value.partition(".")[0]) for value in values]
    return values


def _numbers(rows: list[list[str]], column: int, delimiter: str) -> np.ndarray:
    """(n,) coordinates, NaN where there is no number; a decimal comma where the delimiter is another."""
    comma = delimiter != ","
    return np.array([_number(row[column].replace(",", ".") if comma else row[column]) for row in rows], dtype=float)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")

"""GeoJSON, read without GDAL: it takes a CRS that it doesn't know for WGS 84, and other formats for GeoJSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import shape

from handful.errors import LabelsError
from handful.maps.vector_layer import WGS84, Layer, parse_crs

MOST = 512 * 2**20  # bytes: parsed, JSON takes ten times its size in memory
GEOMETRIES = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")


def read_geojson(path: Path) -> Layer:
    """Read a GeoJSON file (RFC 7946, and the `crs` member of the 2008 version). Raises LabelsError."""
    if path.stat().st_size > MOST:
        raise LabelsError(f"{path}: GeoJSON of more than {MOST >> 20} MB. Save it as GeoPackage.")
    content = _parsed(path)
    features = [feature for feature in _features(path, content) if isinstance(feature, dict)]
    properties = [feature.get("properties") for feature in features]
    table = pd.DataFrame([row if isinstance(row, dict) else {} for row in properties], dtype=object)
    geometry = np.empty(len(features), dtype=object)
    geometry[:] = [_shape(feature.get("geometry")) for feature in features]
    if "crs" not in content:
        return Layer(geometry, table, WGS84).without_false_degrees()
    return Layer(geometry, table, *parse_crs(_crs_name(content["crs"])))


def _parsed(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except RecursionError:
        raise LabelsError(f"{path}: its JSON is nested too deeply to be GeoJSON. Export the labels again.") from None
    except UnicodeDecodeError:
        raise LabelsError(f"{path}: JSON that is not UTF-8 text. Export the labels again.") from None
    except ValueError as error:
        raise LabelsError(f"{path}: broken or truncated JSON ({error}). Export the labels again.") from None
    if not isinstance(content, dict):
        raise LabelsError(f"{path}: JSON, but not a GeoJSON FeatureCollection. Export the labels as GeoJSON.")
    return content


def _features(path: Path, content: dict[str, Any]) -> list[Any]:
    kind, features = content.get("type"), content.get("features")
    if kind == "FeatureCollection" and isinstance(features, list):
        return features
    if kind == "Feature":
        return [content]
    if kind in GEOMETRIES:
        raise LabelsError(f"{path}: a bare geometry without columns, so nothing says what it is. Add the class.")
    raise LabelsError(
        f"{path}: JSON of type {str(kind)[:40]!r}, not a GeoJSON FeatureCollection. Export the labels as GeoJSON."
    )


def _shape(geometry: Any) -> shapely.Geometry | None:
    """A geometry, None where it is missing or cannot be read: it is then counted among the labels without one."""
    try:
        return shape(geometry) if geometry else None
    except Exception:  # hostile coordinates raise nearly anything in shapely
        return None


def _crs_name(member: Any) -> Any:
    """What the `crs` member names; its text where it is something else (a link, say), which PROJ then refuses."""
    if member is None:
        return None
    properties = member.get("properties") if isinstance(member, dict) else None
    if isinstance(properties, dict):
        if isinstance(properties.get("name"), str):
            return properties["name"]
        if member.get("type") == "EPSG" and isinstance(properties.get("code"), int):
            return f"EPSG:{properties['code']}"
    return f"crs {member}"

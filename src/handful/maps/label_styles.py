"""Colours and names that a label layer brings along: QGIS styles (.qml) and GDAL's .aux.xml."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as tree

MOST = 4 * 2**20  # bytes of XML
DOCTYPE = re.compile(r"<!DOCTYPE qgis[^\[\]<>]*>")  # QGIS writes it; it declares nothing
HUE = re.compile(r"#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?")
CHANNELS = re.compile(r"(\d{1,3}),(\d{1,3}),(\d{1,3})(,|$)")


def parsed(text: str) -> tree.Element | None:
    """The root of bounded XML that declares no types or entities of its own; None for anything else."""
    text = DOCTYPE.sub("", text, count=1).lstrip("\ufeff \n\r\t")
    if len(text) > MOST or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return tree.fromstring(text)
    except (tree.ParseError, ValueError, RecursionError):
        return None


def parsed_file(path: Path) -> tree.Element | None:
    return parsed(_text(path))


def style_beside(path: Path) -> str:
    """The text of the .qml of the same name; empty without one."""
    return _text(path.with_suffix(".qml"))


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > MOST:
            return ""
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""


def vector_colours(style: str, column: str) -> dict[str, str]:
    """Class -> '#rrggbb' of a style that gives each value of this column a symbol."""
    root = parsed(style) if style else None
    renderer = None if root is None else root.find(".//renderer-v2[@type='categorizedSymbol']")
    if renderer is None or (renderer.get("attr") or "").strip('"') != column:
        return {}
    hues = {symbol.get("name"): _symbol_hue(symbol) for symbol in renderer.iterfind("symbols/symbol")}
    colours: dict[str, str] = {}
    for category in renderer.iterfind("categories/category"):
        hue = hues.get(category.get("symbol"))
        if hue and category.get("value"):
            colours[category.get("value") or ""] = hue
    return colours


def raster_legend(root: tree.Element | None) -> dict[int, tuple[str, str]]:
    """Value -> (name, '#rrggbb') of a paletted style; a name or a colour may be empty."""
    entries = [] if root is None else root.findall(".//rasterrenderer[@type='paletted']/colorPalette/paletteEntry")
    legend = {}
    for entry in entries:
        hue = entry.get("color") or ""
        if re.fullmatch(r"-?\d{1,9}", entry.get("value") or ""):
            legend[int(entry.get("value") or 0)] = (
                entry.get("label") or "",
                hue[:7].lower() if HUE.fullmatch(hue) else "",
            )
    return legend


def category_names(root: tree.Element | None) -> dict[int, str]:
    """Value -> name of the first band's categories in a .aux.xml, or in the metadata of a GeoTIFF."""
    if root is None:
        return {}
    return {at: (name.text or "").strip() for at, name in enumerate(root.findall(".//CategoryNames/Category"))}


def _symbol_hue(symbol: tree.Element) -> str | None:
    """The fill (else the line) colour of a symbol, in either of the forms that QGIS writes."""
    settings = {option.get("name"): option.get("value") for option in symbol.iterfind("layer/Option/Option")}
    settings |= {prop.get("k"): prop.get("v") for prop in symbol.iterfind("layer/prop")}
    found = CHANNELS.match(settings.get("color") or settings.get("line_color") or "")
    channels = [int(channel) for channel in found.groups()[:3]] if found else []
    return "#{:02x}{:02x}{:02x}".format(*channels) if channels and max(channels) < 256 else None

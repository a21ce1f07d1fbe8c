"""Texts beside a raster: QGIS styles, and the .aux.xml in which GDAL looks for the names of categories."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as tree

from .colour import rgb

NO_DATA = "no data"  # the name of value 0
Ramp = tuple[str, ...]
VALUES: Ramp = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")  # viridis: even steps, safe for the colour-blind
SURE: Ramp = ("#8c2d04", "#d9853b", "#f4e3b2", "#7fb5a6", "#1b5e58")  # from doubtful (brown) to sure (green-blue)
TRUST = ("inside", "outside")  # values 1 and 2 of trust.tif: the area of applicability
TRUST_COLOURS = {"inside": "#d8e4d2", "outside": "#c4532d"}


def aux_xml(names: Sequence[str], colours: Mapping[str, str]) -> str:
    """GDAL's side file of a class map: category names and a palette with alpha; index 0 is "no data"."""
    root = tree.Element("PAMDataset")
    band = tree.SubElement(root, "PAMRasterBand", band="1")
    categories = tree.SubElement(band, "CategoryNames")
    for name in (NO_DATA, *names):
        tree.SubElement(categories, "Category").text = printable(name)
    add_palette(band, names, colours)
    return _text(root)


def add_palette(band: tree.Element, names: Sequence[str], colours: Mapping[str, str]) -> None:
    """GDAL's colour table: value 0 is transparent, value i + 1 has the colour of `names[i]`."""
    table = tree.SubElement(band, "ColorTable")
    for red, green, blue, alpha in [(0, 0, 0, 0), *((*rgb(colours[name]), 255) for name in names)]:
        tree.SubElement(table, "Entry", c1=str(red), c2=str(green), c3=str(blue), c4=str(alpha))


def class_style(names: Sequence[str], colours: Mapping[str, str]) -> str:
    """A QGIS style (.qml) that shows value i + 1 in the colour of `names[i]` under its name."""
    root, renderer = _qgis("paletted")
    entries = tree.SubElement(renderer, "colorPalette")
    for value, name in enumerate(names, start=1):
        tree.SubElement(
            entries, "paletteEntry", value=str(value), color=colours[name], label=printable(name), alpha="255"
        )
    return DOCTYPE + _text(root)


def ramp_style(low: float, high: float, ramp: Ramp, unit: str = "") -> str:
    """A QGIS style (.qml) that shades values evenly from `low` to `high`."""
    root, renderer = _qgis("singlebandpseudocolor", classificationMin=f"{low:.6g}", classificationMax=f"{high:.6g}")
    shader = tree.SubElement(
        tree.SubElement(renderer, "rastershader"),
        "colorrampshader",
        dict(colorRampType="INTERPOLATED", classificationMode="2", clip="0"),
        minimumValue=f"{low:.6g}",
        maximumValue=f"{high:.6g}",
    )
    for step, colour in enumerate(ramp):
        value = low + (high - low) * step / (len(ramp) - 1)
        label = printable(f"{value:.3g} {unit}".strip())
        tree.SubElement(shader, "item", value=f"{value:.6g}", label=label, color=colour, alpha="255")
    return DOCTYPE + _text(root)


def outline_style(column: str, names: Sequence[str], colours: Mapping[str, str]) -> str:
    """A QGIS style (.qml) of polygons: outlines without a filling, coloured by the name in a column."""
    root = tree.Element("qgis", version="3.22.0", styleCategories="Symbology")
    renderer = tree.SubElement(root, "renderer-v2", type="categorizedSymbol", attr=column, symbollevels="0")
    categories, symbols = (tree.SubElement(renderer, part) for part in ("categories", "symbols"))
    for number, name in enumerate(names):
        said, colour = printable(name), ",".join(map(str, (*rgb(colours[name]), 255)))
        tree.SubElement(categories, "category", value=said, label=said, symbol=str(number), render="true")
        symbol = tree.SubElement(symbols, "symbol", name=str(number), type="fill", alpha="1")
        layer = tree.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0"})
        for key, value in {
            "style": "no",
            "outline_color": colour,
            "outline_style": "solid",
            "outline_width": "0.6",
        }.items():
            tree.SubElement(layer, "prop", k=key, v=value)
    return DOCTYPE + _text(root)


FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"


def _qgis(renderer: str, **attributes: str) -> tuple[tree.Element, tree.Element]:
    """The style's root and its one renderer."""
    root = tree.Element("qgis", version="3.22.0", styleCategories="AllStyleCategories")
    pipe = tree.SubElement(root, "pipe")
    return root, tree.SubElement(
        pipe, "rasterrenderer", attributes, type=renderer, band="1", opacity="1", alphaBand="-1", nodataColor=""
    )


def printable(name: str) -> str:
    """The name without the characters that XML forbids (control characters, lone surrogates)."""
    return FORBIDDEN.sub("", name)


def _text(root: tree.Element) -> str:
    tree.indent(root, " ")
    return tree.tostring(root, encoding="unicode") + "\n"

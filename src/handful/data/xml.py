"""XML from outside, parsed without declarations: no entity is expanded and nothing is fetched."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as tree
from xml.parsers import expat

from ..errors import DataError
from .folders import content

MOST_BYTES = 8 << 20
MOST_DEPTH = 32  # of elements in elements


def parsed(path: Path, remedy: str) -> tree.Element:
    """The root of an XML file. Raises DataError where it is missing, damaged, or declares entities."""
    try:
        return plain(content(path, remedy, MOST_BYTES))
    except (expat.ExpatError, ValueError, LookupError, AssertionError) as why:
        raise DataError(f"{path} is no XML of this data set ({why}): fetch it again.") from why


def plain(content: bytes) -> tree.Element:
    """Parse bytes; a document type or an entity is refused before it is read. Raises ValueError or ExpatError."""
    builder, parser, depth = tree.TreeBuilder(), expat.ParserCreate(), [0]

    def start(name: str, attributes: dict[str, str]) -> None:
        depth[0] += 1
        if depth[0] > MOST_DEPTH:
            raise ValueError(f"elements more than {MOST_DEPTH} deep")
        builder.start(name, attributes)

    def end(name: str) -> None:
        depth[0] -= 1
        builder.end(name)

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type or entities, which none of its files does")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.Parse(content, True)
    return builder.close()

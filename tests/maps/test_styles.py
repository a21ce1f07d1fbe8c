"""Side files stay whole whatever a class is called."""

from __future__ import annotations

from xml.etree import ElementTree as tree

from hypothesis import given
from hypothesis import strategies as st

from handful.maps.styles import aux_xml, class_style, printable, ramp_style


@given(st.lists(st.text(st.characters(), max_size=20), max_size=5, unique=True))
def test_any_name_makes_well_formed_texts(names):
    colours = dict.fromkeys(names, "#102030")
    seen = [entry.text or "" for entry in tree.fromstring(aux_xml(names, colours)).iter("Category")]
    assert [text.replace("\r\n", "\n") for text in seen[1:]] == [
        printable(name).replace("\r\n", "\n").replace("\r", "\n") for name in names
    ]
    assert len(list(tree.fromstring(class_style(names, colours)).iter("paletteEntry"))) == len(names)


def test_a_ramp_goes_evenly_from_low_to_high():
    items = list(tree.fromstring(ramp_style(-1, 3, ("#000000", "#777777", "#ffffff"), "m")).iter("item"))
    assert [(item.get("value"), item.get("label")) for item in items] == [("-1", "-1 m"), ("1", "1 m"), ("3", "3 m")]

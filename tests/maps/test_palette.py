"""Colours: custom before chance, the user before all, and never two alike."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from handful.errors import SettingsError
from handful.maps.colour import difference, from_lab, ink, lab, rgb
from handful.maps.palette import APART, palette, read_palette, theme


def least_difference(colours: dict[str, str]) -> float:
    apart = difference(list(colours.values()), list(colours.values()))
    return float(apart[~np.eye(len(apart), dtype=bool)].min())


def test_cielab_of_known_colours():
    """Black, white, and the red primary of sRGB under D65 (Lindbloom)."""
    np.testing.assert_allclose(lab(["#000000", "#ffffff"]), [[0, 0, 0], [100, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(lab(["#ff0000"]), [[53.24, 80.09, 67.20]], atol=0.02)


def test_cielab_there_and_back():
    colours = ["#2f7fc1", "#1f6b3a", "#000000", "#ffffff", "#c8493c"]
    assert from_lab(lab(colours)) == colours


def test_ink_can_be_read_on_its_ground():
    assert ink("#000000") == "#ffffff" and ink("#ffffff") == "#1a1a1a"


@pytest.mark.parametrize(
    "name, like",
    [("Water", "water"), ("agua", "water"), ("Wasserfläche", "water"), ("vodní plocha", "water"), ("étang", "water")]
    + [("trees", "forest"), ("Forêt dense", "forest"), ("Nadelwald", "forest"), ("les", "forest"), ("BOSQUE", "forest")]
    + [("maíz", "crops"), ("Weizen", "crops"), ("pšenice", "crops"), ("riz", "crops"), ("lavoura", "crops")]
    + [("UrbanArea", "built"), ("Siedlung", "built"), ("zástavba", "built"), ("bâtiments", "built")]
    + [("flooded vegetation", "wetland"), ("undamaged", "healthy"), ("dead_trees", "damaged"), ("Nuvens", "cloud")]
    + [("burnt forest", "burnt"), ("not damaged", "healthy"), ("sníh", "snow")],
)
def test_a_name_is_drawn_as_custom_has_it(name, like):
    assert theme(name) == theme(like) is not None


@pytest.mark.parametrize("name", ["lesion", "1", "", "🌲", "classe A", "seedling", "<script>"])
def test_a_name_without_a_known_word_has_no_custom(name):
    assert theme(name) is None


def test_water_is_blue_and_forest_green():
    colours = palette(["forest", "water", "built"])
    red, green, blue = rgb(colours["water"])
    assert blue > green > red
    red, green, blue = rgb(colours["forest"])
    assert green > blue and green > red


@pytest.mark.parametrize(
    "names",
    [
        ["spruce forest", "pine forest", "beech forest", "oak forest", "mixed forest", "clearing", "meadow"],
        ["water", "trees", "flooded vegetation", "crops", "built", "bare", "snow", "rangeland", "clouds"],
        [f"class {index}" for index in range(24)],
        ["lake", "river", "sea", "pond", "reservoir", "ocean", "stream", "water", "wetland"],
    ],
)
def test_colours_are_told_apart(names):
    assert least_difference(palette(names)) >= APART


def test_three_hundred_classes_still_have_colours_of_their_own():
    assert least_difference(palette([f"class {index}" for index in range(300)])) > 3


def test_the_layers_colours_are_kept_unless_two_are_one():
    colours = palette(["a", "b", "water"], layer={"a": "#aa0000", "b": "#aa0001"})
    assert colours["a"] == "#aa0000" and colours["b"] != "#aa0001" and least_difference(colours) >= APART


def test_a_layers_colour_in_another_notation_is_not_taken():
    colours = palette(["a", "b"], layer={"a": "red;background:url(//x)", "b": "ABC"})
    assert colours["b"] == "#aabbcc" and colours["a"].startswith("#") and len(colours["a"]) == 7


def test_the_users_word_is_law():
    colours = palette(["a", "water"], layer={"a": "#00ff00"}, user={"a": "#ff0000", "water": "#ff0000"})
    assert colours == {"a": "#ff0000", "water": "#ff0000"}


def test_the_order_of_the_classes_is_kept():
    assert list(palette(["x", "water", "a"])) == ["x", "water", "a"]


@pytest.mark.parametrize(
    "text",
    ['{"water": "#00F", "old forest": "#00aa11"}', "water,#0000ff\nold forest,00AA11\n"]
    + ["class;colour\nwater;#00f\n\nold forest;#00aa11", '\ufeffwater\t#0000ff\n"old forest"\t#00aa11\n'],
)
def test_a_palette_file_in_any_of_its_forms(tmp_path, text):
    (tmp_path / "palette").write_text(text, encoding="utf-8")
    read = read_palette(tmp_path / "palette", ["water", "old forest", "crops"])
    assert read == {"water": "#0000ff", "old forest": "#00aa11"}


@pytest.mark.parametrize(
    "text, says",
    [
        ('{"watr": "#0000ff"}', "Did you mean water"),
        ('{"water": "blue"}', "#rrggbb"),
        ('{"water": ', "not valid JSON"),
        ("water\n", "#rrggbb"),
        (json.dumps({"water": ["#0000ff"]}), "#rrggbb"),
        ("water,#0000ff,\x00\n", ""),
    ],
)
def test_a_wrong_palette_file_is_refused_by_name(tmp_path, text, says):
    (tmp_path / "colours.txt").write_text(text, encoding="utf-8")
    try:
        read_palette(tmp_path / "colours.txt", ["water"])
    except SettingsError as why:
        assert "colours.txt" in str(why) and says in str(why)
    else:
        assert not says


def test_a_missing_or_binary_palette_file_is_refused(tmp_path):
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff\xe0\x00")
    for path in (tmp_path / "none.json", tmp_path / "picture", tmp_path):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_palette(path, ["water"])


def test_what_is_no_small_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero", "nul\0.csv", ""):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_palette(path, ["a"])

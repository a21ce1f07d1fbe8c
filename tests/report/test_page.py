"""The page: whole, escaped, self-contained, and readable whatever comes."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from handful.maps.palette import palette
from handful.report import words
from handful.report.page import map_page
from handful.report.pictures import Pictures
from handful.report.stretch import stretch

VOID = {"meta", "img", "br", "link", "hr", "input"}
ODD = [
    "<script>alert(1)</script>",
    "אדמה חשופה",
    "🌲🌊",
    "x" * 400,
    "a & b \"c\" 'd'",
    "{{ 7 * 7 }}",
    "\u202eevil",
    "",
    "half \ud83c of one",
]
ODD += ["half \ud83c of one"]


class Checker(HTMLParser):
    """Tags that open and close in order, and every address that a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for key, value in attrs if key in ("src", "href", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert all(address.startswith("data:image/") for address in checker.loads)
    assert "script" not in checker.tags
    assert not re.search(r"url\(|@import|https?://", page.replace("http://www.w3.org/2000/svg", ""))
    return checker


def pictures(names: list[str], height: int = 40, width: int = 60, **more: object) -> Pictures:
    rng = np.random.default_rng(0)
    labels = min(5 * len(names), 900)
    return Pictures(
        map=rng.integers(0, len(names) + 1, (height, width)),
        colours=palette(names),
        true_colour=stretch(rng.random((3, height, width))),
        confidence=rng.random((height, width), dtype=np.float32),
        trust=rng.integers(0, 3, (height, width)).astype("uint8"),
        label_rows=rng.uniform(0, height, labels),
        label_columns=rng.uniform(0, width, labels),
        label_targets=np.arange(labels) % len(names),
        metres_per_pixel=10.0,
        north_up=True,
        reliability={"before": [(0.2, 0.3, 10), (0.9, 0.7, 30)], "after": [(0.5, 0.5, 20), (float("nan"), 0.0, 0)]},
        **more,
    )


def run(names: list[str], **more: object) -> dict:
    score = {"balanced_accuracy": 0.78, "low": 0.72, "high": 0.84}
    return {
        "handful": "0.1.0",
        "versions": {"numpy": "2"},
        "seed": 3,
        "kind": "classes",
        "classes": names,
        "parameters": {"labels": "<b>labels</b>.gpkg", "window": 512, "nested": {"a": [1, 2]}, "none": None},
        "inputs": [{"path": "/data/<i>scene</i>.tif", "checksum": "sha256:00"}],
        "bands": [{"raster": 0, "index": 1, "name": "B02", "wavelength": 492.0}],
        "radiometry": {"name": "s2", "assumed": True, "why": "dark pixels"},
        "labels": {name: 5 for name in names},
        "candidates": [
            {"name": "ridge", "role": "candidate", **score},
            {"name": "<u>forest</u>", "role": "rival", **score},
        ],
        "worth": "It was worth it.",
        "validation": {"matched": {**score, "median_distance_m": 1400.0, "folds": 5}, "random": dict(score)},
        "confusion": (np.eye(len(names), dtype=int) * 6 + 1).tolist(),
        "cannot_judge": ["Class <b>one</b> has one label."],
        "calibration": {"ece_before": 0.1, "ece_after": 0.03, "temperature": 2.0},
        "applicability": {"threshold": 0.3, "share_inside": 0.8},
        "suspicious": [
            {"x": 5e5, "y": 5e6, "row": 1, "column": 2, "label": names[0], "predicted": names[-1], "probability": 0.99}
        ],
        "areas": [{"class": name, "pixels": 10, "hectares": 0.1, "share": 1 / len(names)} for name in names],
        "notes": ["<marquee>note</marquee>"],
        "seconds": {"total": 41.0, "paint": 20.0},
        "peak_memory_mb": 800,
        **more,
    }


def test_a_page_is_whole_and_shows_what_there_is():
    page = map_page(run(["water", "trees"]), pictures(["water", "trees"]))
    checker = checked(page)
    assert checker.tags.count("img") == 4 and "500 m" not in page and "100 m" in page
    for said in ("78 %", "72 to 84 %", "Counted from the map, indicative", "1.4 km", "It was worth it.", "water"):
        assert said in page


def test_what_users_typed_stays_text():
    page = map_page(run(ODD), pictures(ODD))
    checker = checked(page)
    page.encode()  # can be written
    assert "<script>" not in page and "&lt;script&gt;" in page and "{{ 7 * 7 }}" in page
    assert "marquee" not in checker.tags
    assert "<b>one" not in page and "<i>scene" not in page and "<u>forest" not in page


def test_three_hundred_classes_are_shown_in_a_modest_page():
    names = [f"class {index}" for index in range(300)]
    page = map_page(run(names), pictures(names, 1000, 1000))
    checked(page)
    assert len(page) < 4e6 and "and 276 more" in page and "commonest confusions" in page


def test_a_large_noisy_scene_stays_below_four_megabytes():
    names = [f"class {index}" for index in range(200)]
    page = map_page(
        run(names),
        pictures(
            names, 1500, 1400, false_colour=np.random.default_rng(1).integers(0, 256, (1500, 1400, 3)).astype("uint8")
        ),
    )
    assert len(page) < 4e6


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (2500, 1), (7, 3)])
def test_odd_shapes(shape):
    checked(map_page(run(["a", "b"]), pictures(["a", "b"], *shape)))


def test_a_run_that_knows_nothing_is_still_a_page():
    bare = Pictures(map=np.zeros((4, 5), int), colours=palette(["a"]))
    checked(map_page({"kind": "classes", "classes": ["a"]}, bare))
    nulls = {key: None for key in run(["a"])} | {"kind": "classes", "classes": ["a"]}
    page = map_page(nulls, bare, title="<Scene>")
    checked(page)
    assert "&lt;Scene&gt;" in page and "could not be tested" in page


def test_a_quantity_has_a_ramp_and_a_scatter():
    values = np.linspace(20, 180, 2400, dtype="float32").reshape(40, 60)
    values[:3] = np.nan
    observed = np.linspace(20, 180, 50)
    seen = Pictures(
        map=values, label_rows=np.ones(3), label_columns=np.ones(3), label_targets=np.array([1.0, 2.0, 3.0]),
        observed=observed, predicted=np.append(observed[:-1] + 5, np.nan),
    )  # fmt: skip
    score = {"rmse": 12.3, "low": 10.0, "high": 14.0}
    page = map_page(
        {
            "kind": "quantity",
            "quantity": {"name": "fuel moisture", "unit": "% <dry>"},
            "classes": [],
            "validation": {"matched": score},
            "candidates": [{"name": "ridge", "role": "candidate", **score}],
            "suspicious": [
                {"x": 1, "y": 2, "row": 0, "column": 0, "label": 20.5, "predicted": 90.1234567, "probability": None}
            ],
            "labels": [50],
        },
        seen,
    )
    checked(page)
    assert "90.1 % &lt;dry&gt;" in page and "69.6 % &lt;dry&gt;" in page and "90.1234" not in page
    for said in ("fuel moisture", "12.3 % &lt;dry&gt;", "10 to 14 % &lt;dry&gt;", "Predicted against observed"):
        assert said in page


def test_the_same_run_gives_the_same_page():
    names = ["water", "trees"]
    assert map_page(run(names), pictures(names)) == map_page(run(names), pictures(names))


def test_a_class_that_was_never_judged_has_no_shares() -> None:
    page = map_page(run(["a", "b"], confusion=[[9, 1], [0, 0]]), pictures(["a", "b"]))
    cells = re.findall(r'<td class="sum">([^<]*)</td>', page)
    assert cells == ["10", "90 %", "100 %", "0", "–", "–"]
    bare = Pictures(map=np.ones((4, 5), int), colours=palette(["a", "b"]))
    assert "What is taken for what" not in map_page(run(["a", "b"], confusion=[[0, 0], [0, 0]]), bare)


def test_a_seed_of_nought_is_a_setting() -> None:
    page = map_page(run(["a"], parameters={"seed": 0, "probabilities": False, "bands": ()}), pictures(["a"]))
    assert "<dt>seed</dt><dd>0</dd>" in page and "<dt>probabilities</dt>" not in page and "<dt>bands</dt>" not in page


def test_pictures_have_the_shape_of_the_ground() -> None:
    """At 60 degrees north a degree of longitude is half as long as one of latitude."""
    seen = pictures(["a"], 40, 60, pixel_shape=0.5)
    page = map_page(run(["a"]), seen)
    assert "aspect-ratio:30.0/40" in page and 'viewBox="0 0 30.0 40"' in page
    assert max(dot["x"] for dot in seen.dots(["a"])) <= 30
    assert 'style="width:16.667%"><span>100 m<' in page  # 60 columns of 10 m


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"command": "apply"}, "nobody has tested it in this one"),
        ({"validation": None, "test": None}, "too few labels to test it"),
        ({"kind": "quantity", "quantity": {"name": "h", "unit": "m"}, "calibration": {"tolerance": 12.34}}, "12.3 m"),
    ],
)
def test_what_confidence_means(more: dict, said: str) -> None:
    assert said in words.sureness(run(["a"], **more))


@pytest.mark.parametrize(("test", "line"), [(None, "matched"), ({"balanced_accuracy": 0.7}, "test")])
def test_one_line_is_to_be_judged_by(test: dict | None, line: str) -> None:
    page = map_page(run(["a", "b"], test=test), pictures(["a", "b"]))
    said = {"matched": "as the map’s pixels are. Judge", "test": "they tell most. Judge"}
    assert page.count("Judge the map by this line") == 1 and said[line] in page


def test_coordinates_say_what_they_are_in() -> None:
    assert "x and y are in EPSG:32631." in map_page(run(["a", "b"], crs="EPSG:32631"), pictures(["a", "b"]))
    assert "column and row" in words.coordinates({})

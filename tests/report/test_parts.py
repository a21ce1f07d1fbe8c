"""The parts of a page, by known answers: stretch, images, charts, words, the terminal's table, curves."""

from __future__ import annotations

import base64
import io

import matplotlib.image
import numpy as np
import pytest
from rich.console import Console

from handful.report import charts, words
from handful.report.figures import curves
from handful.report.images import BLANK, drawing, mixed, photo, shaded
from handful.report.pictures import DOTS, Pictures
from handful.report.stretch import PAPER, stretch, thin
from handful.report.table import comparison


def pixels(address: str) -> np.ndarray:
    """An image's data address as uint8 (height, width, 3)."""
    kind, content = address.removeprefix("data:image/").split(";base64,")
    image = matplotlib.image.imread(io.BytesIO(base64.b64decode(content)), format=kind)
    return (image * 255).round().astype("uint8")[..., :3] if image.dtype != np.uint8 else image[..., :3]


def test_stretch_uses_the_whole_range_and_leaves_the_invalid_blank():
    values = np.tile(np.linspace(-0.1, 0.6, 100, dtype="float32").reshape(1, 10, 10), (3, 1, 1))
    values[1, 0, 0] = np.nan
    valid = np.ones((10, 10), bool)
    valid[9, 9] = False
    picture = stretch(values, valid)
    assert (picture[0, 0] == PAPER).all() and (picture[9, 9] == PAPER).all()
    assert (picture[0, 1] == 0).all() and (picture[9, 8] == 255).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 0.3])
def test_stretch_of_a_scene_of_one_value(value):
    assert stretch(np.full((3, 2, 2), value)).shape == (2, 2, 3)


def test_stretch_keeps_grey_grey():
    grey = np.tile(np.random.default_rng(0).random((1, 20, 20)), (3, 1, 1))
    picture = stretch(grey)
    assert (picture[..., 0] == picture[..., 2]).all()


def test_thin_is_the_least_step():
    assert [thin(side, 900) for side in (1, 900, 901, 1800, 1801)] == [1, 1, 2, 2, 3]


def test_a_drawing_has_its_colours_exactly():
    seen = pixels(drawing(np.array([[0, 1], [2, 1]]), ["#ffffff", "#102030", "#0000ff"]))
    np.testing.assert_array_equal(seen, [[[255] * 3, [16, 32, 48]], [[0, 0, 255], [16, 32, 48]]])


def test_a_ramp_ends_in_its_ends_and_leaves_nan_blank():
    seen = pixels(shaded(np.array([[0.0, 1.0, np.nan, 9.0]]), 0, 1, ("#000000", "#ff0000")))
    blank = [int(BLANK[i : i + 2], 16) for i in (1, 3, 5)]
    np.testing.assert_array_equal(seen[0], [[0, 0, 0], [255, 0, 0], blank, [255, 0, 0]])
    assert mixed(("#000000", "#0000ff"), 3) == ["#000000", "#000080", "#0000ff"]


def test_a_photo_is_a_jpeg_of_its_size():
    assert pixels(photo(np.zeros((7, 5, 3), "uint8"))).shape == (7, 5, 3)


def test_too_many_labels_are_thinned_over_all_classes():
    targets = np.repeat([0, 1, 2], [4000, 30, 8])
    many = Pictures(
        map=np.ones((9, 9), int), colours={"a": "#ff0000", "b": "#00ff00", "c": "#0000ff"},
        label_rows=np.zeros(4038), label_columns=np.zeros(4038), label_targets=targets,
    )  # fmt: skip
    dots = many.dots(["a", "b", "c"])
    assert len(dots) <= DOTS and {dot["colour"] for dot in dots} >= {"#ff0000", "#00ff00"}


@pytest.mark.parametrize(
    "metres, length, label", [(2240, 22.321, "500 m"), (70000, 28.571, "20 km"), (3.5, 28.571, "1 m")]
)
def test_a_scale_bar_is_round_and_at_most_a_third(metres, length, label):
    assert charts.scale_bar(metres) == (length, label)


def test_a_point_on_the_diagonal_is_drawn_on_it():
    drawn = charts.scatter(np.array([0.0, 5.0, 10.0]), np.array([0.0, 5.0, 10.0]), "m")
    assert f'cx="{charts._x(0.5):.1f}" cy="{charts._y(0.5):.1f}"' in drawn and "observed, m" in drawn


def test_charts_of_nothing_or_of_one_value():
    charts.scatter(np.array([np.nan]), np.array([1.0]), "")
    charts.scatter(np.array([2.0]), np.array([2.0]), "<b>")
    assert "<b>" not in charts.reliability({"<b>": [(0.5, 0.5, 3)]})
    charts.reliability({"a": []})


def test_the_verdict_names_the_weakest_class_and_what_it_is_taken_for():
    run = {"classes": ["water", "crops", "bare"], "confusion": [[9, 0, 1], [1, 9, 0], [1, 6, 3]]}
    (_, weakest) = words.verdict(run)
    assert "bare" in weakest and "30 %" in weakest and "crops" in weakest


def test_a_class_with_few_labels_is_not_called_the_weakest():
    assert not words._weakest({"classes": ["a", "b"], "confusion": [[9, 1], [2, 0]]})


@pytest.mark.parametrize(
    "low, says",
    [(0.95, "to work with"), (0.8, "useful"), (0.7, "rough"), (0.5, "Not yet")],
)
def test_the_headline_measures_above_chance_by_the_lower_end(low, says):
    scores = {"balanced_accuracy": 0.99, "low": low, "high": 1.0}
    assert says in words.headline({"classes": ["a", "b"], "validation": {"matched": scores}})


def test_random_folds_alone_are_said_to_flatter():
    run = {"classes": ["a", "b"], "validation": {"matched": None, "random": {"balanced_accuracy": 0.9}}}
    assert "flatters" in words.verdict(run)[0]


def test_the_terminals_table_says_all_and_obeys_no_one():
    score = {"balanced_accuracy": 0.781, "low": 0.72, "high": 0.84}
    console = Console(width=100, record=True, file=io.StringIO())
    rows = [
        {"name": "[bold]ridge[/bold]\x1b[2J", "role": "candidate", **score},
        {"name": "x" * 99, "role": "rival", **score},
    ]
    folds = {"matched": {**score, "median_distance_m": 143.0}, "block": None}
    console.print(comparison({"candidates": rows, "validation": folds, "worth": "[red]worth[/red] it"}))
    said = console.export_text()
    for part in ("[bold]ridge[/bold]", "78 %", "72 to 84 %", "matched folds", "143 m", "[red]worth[/red] it", "rival"):
        assert part in said
    assert "\x1b" not in said


def test_a_table_of_nothing():
    Console(file=io.StringIO()).print(comparison({}))


def test_curves_are_a_picture_with_the_same_bytes_each_time():
    rows = [{"step": str(i), "loss": str(2 / i), "validation": "" if i % 5 else str(0.9 - 1 / i)} for i in range(1, 40)]
    first = curves(rows, "a recipe with $odd_ name")
    assert first.startswith(b"\x89PNG") and curves(rows, "a recipe with $odd_ name") == first


def test_curves_of_nothing_and_of_the_infinite():
    curves([])
    curves([{"step": 1, "loss": float("nan"), "validation": None}, {"step": 2, "loss": float("inf")}])


def test_a_raster_that_begins_in_the_south_is_shown_north_up():
    south = Pictures(
        map=np.array([[1], [2], [2]]), trust=np.array([[1], [1], [2]]), north_up=False,
        label_rows=np.array([0.5]), label_columns=np.array([0.5]), label_targets=np.array([0]),
    )  # fmt: skip
    upright = south.upright()
    assert upright.map.tolist() == [[2], [2], [1]] and upright.trust.tolist() == [[2], [1], [1]]
    assert upright.label_rows.tolist() == [2.5] and upright.north_up and upright.upright() is upright


def test_labels_of_a_quantity_wear_the_ramp():
    values = Pictures(
        map=np.linspace(0, 1, 200).reshape(10, 20), label_rows=np.zeros(2), label_columns=np.zeros(2),
        label_targets=np.array([-5.0, 5.0]),
    )  # fmt: skip
    assert [dot["colour"] for dot in values.dots([])] == ["#440154", "#fde725"]


def test_independent_labels_judge_before_any_fold():
    run = {"test": {"balanced_accuracy": 0.6}, "validation": {"matched": {"balanced_accuracy": 0.9}}}
    assert words.judged(run) == ("test", {"balanced_accuracy": 0.6})


def test_a_model_from_elsewhere_is_not_praised_here():
    run = {"command": "apply", "classes": ["a", "b"], "validation": {"matched": {"balanced_accuracy": 0.99}}}
    assert "another scene" in words.verdict(run)[0] and "work with" not in words.headline(run)


def test_the_weakest_class_is_judged_by_independent_labels_where_there_are_any():
    run = {"classes": ["a", "b"], "confusion": [[10, 0], [9, 1]], "test": {"confusion": [[20, 80], [0, 100]]}}
    assert "“\u2068a\u2069”: 20 %" in words._weakest(run)


def test_a_calibration_error_that_few_labels_would_show_by_chance_is_not_told():
    run = {"calibration": {"ece_after": 0.22}, "labels": {"a": 15, "b": 20}}
    assert "too few labels" in words.kept_word(run)
    assert "22.0 points" in words.kept_word(run | {"labels": {"a": 300, "b": 400}})
    assert not words.kept_word({"labels": {}})

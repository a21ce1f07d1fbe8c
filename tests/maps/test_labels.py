"""Labels of vector layers: which pixels they name, what they say, what is left out and counted."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio.crs
import shapely
from affine import Affine
from shapely import GeometryCollection, LineString, MultiPoint, MultiPolygon, Point, Polygon, box

from handful.errors import LabelsError
from handful.maps.grid import Grid
from handful.maps.labels import read_labels
from handful.problem import Classes, Quantity

UTM = rasterio.crs.CRS.from_epsg(32633)
GRID = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 5_000_200), 20, 30)  # 10 m, 20 rows, 30 columns
PIXELS = Grid(None, Affine.identity(), 20, 30)


def layer(geometry, crs=None, **columns):
    """A layer in memory; in columns and rows of PIXELS unless a CRS says otherwise."""
    return gpd.GeoDataFrame(columns, geometry=list(geometry), crs=crs)


def places(labels):
    return sorted(zip(labels.rows.tolist(), labels.columns.tolist(), strict=True))


def said(labels, words):
    return any(words in note for note in labels.notes)


def at(column, row):
    """A point of UTM in the middle of a pixel of GRID."""
    return Point(500_000 + 10 * column + 5, 5_000_200 - 10 * row - 5)


def test_points_fall_in_the_pixel_that_holds_them():
    labels = read_labels(layer([Point(0, 0), Point(29.99, 19.99), Point(4.5, 7.2)], c=["a", "b", "a"]), PIXELS)
    assert places(labels) == [(0, 0), (7, 4), (19, 29)]
    assert labels.problem == Classes(("a", "b"))
    assert dict(zip(places(labels), labels.targets, strict=True)) == {(0, 0): 0, (7, 4): 0, (19, 29): 1}


def test_the_edges_right_and_below_belong_to_no_pixel():
    labels = read_labels(layer([Point(30, 5), Point(5, 20), Point(1, 1)], c=["a", "a", "a"]), PIXELS)
    assert places(labels) == [(1, 1)] and said(labels, "2 labels lie off the scene")


def test_a_polygon_takes_the_pixels_whose_centre_it_holds():
    labels = read_labels(layer([box(2.4, 3.6, 6.6, 8.4)], c=["a"]), PIXELS)
    assert places(labels) == [(row, column) for row in range(4, 8) for column in range(2, 7)]


def test_a_hole_is_not_labelled():
    ring = Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (6, 3), (6, 6), (3, 6)]])
    assert len(read_labels(layer([ring], c=["a"]), PIXELS)) == 81 - 9


def test_a_line_takes_the_pixels_that_it_touches():
    labels = read_labels(
        layer([LineString([(0.5, 0.5), (5.5, 0.5)]), LineString([(9.2, 3.9), (9.9, 4.1)])], c=[1, 2]), PIXELS
    )
    assert places(labels) == [(0, column) for column in range(6)] + [(3, 9), (4, 9)]


def test_a_polygon_smaller_than_a_pixel_takes_the_pixel_of_its_inner_point():
    labels = read_labels(layer([box(4.1, 7.1, 4.3, 7.3), box(2.9, 2.1, 3.05, 2.4)], c=["a", "b"]), PIXELS)
    assert places(labels) == [(2, 2), (7, 4)]


@pytest.mark.parametrize("width", [0.3, 1.7, 2.9])
def test_small_polygons_have_the_same_pixels_as_large_ones_would(width):
    places_of = [(x, y) for x in np.arange(0.63, 25, 4.3) for y in np.arange(0.34, 16, 3.9)]
    for x, y in places_of:
        found = places(read_labels(layer([box(x, y, x + width, y + width)], c=["a"]), PIXELS))
        rows, columns = (
            np.flatnonzero((np.arange(40) + 0.5 > low) & (np.arange(40) + 0.5 < low + width)) for low in (y, x)
        )
        wanted = [(row, column) for row in rows for column in columns]
        assert found == (wanted or [(int(y + width / 2), int(x + width / 2))])


def test_parts_and_collections_are_one_feature():
    deep = GeometryCollection([GeometryCollection([Point(1, 1), box(5, 5, 7, 7)]), MultiPoint([(9, 9), (10, 10)])])
    labels = read_labels(layer([deep, MultiPolygon([box(20, 0, 21, 1), box(25, 0, 26, 1)])], c=["a", "b"]), PIXELS)
    assert len(labels) == 7 + 2
    assert set(labels.groups[labels.targets == 0]) == {0} and set(labels.groups[labels.targets == 1]) == {1}


def test_labels_go_to_the_crs_of_the_scene():
    frame = layer([at(3, 4), at(20, 11)], UTM, c=["a", "b"])
    for crs in (4326, 3857, 32632):
        assert places(read_labels(frame.to_crs(crs), GRID)) == [(4, 3), (11, 20)]


def test_without_a_georeference_coordinates_are_column_and_row():
    labels = read_labels(layer([Point(3.5, 4.5), Point(7.5, 1.5)], 4326, c=["a", "b"]), PIXELS)
    assert places(labels) == [(1, 7), (4, 3)] and said(labels, "columns and rows")


def test_a_south_up_scene_counts_rows_from_the_south():
    grid = Grid(UTM, Affine(10, 0, 500_000, 0, 10, 5_000_000), 20, 30)
    assert places(read_labels(layer([at(3, 4)], UTM, c=["a"]), grid)) == [(15, 3)]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["water", "forest", " water "], ("forest", "water")),
        ([10, 9, 100], ("9", "10", "100")),
        ([9.0, 10.0, -1.0], ("-1", "9", "10")),
        ([True, False, True], ("false", "true")),
        (["10", "9", "a"], ("10", "9", "a")),
        ([None, "b", ""], ("b",)),
        ([np.nan, 2.0, 1.0], ("1", "2")),
    ],
)
def test_names_of_classes(values, names):
    labels = read_labels(layer([Point(i + 0.5, 0.5) for i in range(3)], c=values), PIXELS, class_column="c")
    assert labels.problem == Classes(names)
    assert labels.targets.dtype == np.int64


def test_nothing_is_not_background():
    labels = read_labels(layer([Point(1, 1), Point(2, 2), box(0, 0, 30, 20)], c=["a", "b", None]), PIXELS)
    assert len(labels) == 2 and said(labels, "1 label with nothing") and said(labels, "not taken as background")


def test_classes_without_a_valid_label_have_no_name():
    labels = read_labels(layer([Point(1, 1), Point(99, 99), Point(3, 3)], c=["a", "b", "c"]), PIXELS)
    assert labels.problem == Classes(("a", "c")) and said(labels, "No label is left of: b")
    assert sorted(labels.targets) == [0, 1]


def test_two_classes_on_a_pixel_leave_it_out_and_one_class_twice_counts_once():
    labels = read_labels(
        layer([Point(1, 1), Point(1.5, 1.5), Point(2, 2), Point(2.5, 2.5)], c=["a", "b", "a", "a"]), PIXELS
    )
    assert places(labels) == [(2, 2)] and said(labels, "1 pixel has labels of two classes")


def test_polygons_that_overlap_dispute_only_what_they_share():
    labels = read_labels(layer([box(0, 0, 10, 10), box(8, 0, 18, 10), box(0, 0, 4, 4)], c=["a", "b", "a"]), PIXELS)
    assert np.bincount(labels.targets).tolist() == [80, 80] and said(labels, "20 pixels have labels of two classes")


def test_only_disputed_pixels_are_no_labels():
    with pytest.raises(LabelsError, match="no labelled pixel is left.*two classes"):
        read_labels(layer([Point(1, 1), Point(1, 1)], c=["a", "b"]), PIXELS)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        Point(),
        Polygon(),
        Point(np.nan, 1),
        Point(np.inf, 1),
        LineString([(0, 0), (np.inf, 1)]),
        GeometryCollection(),
    ],
)
def test_geometries_without_coordinates_are_left_out_and_counted(bad):
    labels = read_labels(layer([Point(1, 1), bad], c=["a", "b"]), PIXELS)
    assert places(labels) == [(1, 1)]
    assert said(labels, "1 label without a geometry or with NaN or infinite coordinates: left out")


def test_invalid_polygons_are_mended_or_left_out():
    bow = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    flat = Polygon([(20, 5), (25, 5), (22, 5), (20, 5)])
    labels = read_labels(layer([bow, flat], c=["a", "b"]), PIXELS)
    assert said(labels, "1 label with an invalid polygon") and said(labels, "1 label with a polygon that has no area")
    assert 40 <= len(labels) <= 60 and labels.problem == Classes(("a",))


def test_heights_are_ignored_and_said():
    labels = read_labels(layer([Point(1, 1, 5), Point(2, 2, 9)], c=["a", "b"]), PIXELS)
    assert places(labels) == [(1, 1), (2, 2)] and said(labels, "2 labels with heights")


def test_a_pole_that_the_scene_cannot_hold_is_counted():
    labels = read_labels(layer([at(1, 1), at(2, 2)], UTM, c=["a", "b"]).to_crs(4326), GRID)
    far = gpd.GeoDataFrame({"c": ["a", "b"]}, geometry=[Point(15.0, 45.155), Point(0, 5000)], crs=4326)
    assert len(labels) == 2
    assert said(read_labels(far, GRID), "cannot be projected")


def test_none_on_the_scene_says_both_extents():
    with pytest.raises(LabelsError, match=r"no label lies on the scene.*labels 600000.*scene 500000 to 500300"):
        read_labels(layer([Point(600_000, 5_000_000)], UTM, c=["a"]), GRID)


def test_labels_without_a_crs_ask_for_one():
    with pytest.raises(LabelsError, match="--labels-crs"):
        read_labels(layer([at(1, 1)], c=["a"]), GRID)
    assert places(read_labels(layer([at(1, 1)], c=["a"]), GRID, labels_crs="EPSG:32633")) == [(1, 1)]
    with pytest.raises(LabelsError, match="'EPSG:99999' is no known CRS"):
        read_labels(layer([at(1, 1)], c=["a"]), GRID, labels_crs="EPSG:99999")


def test_a_crs_that_is_given_wins_and_is_said():
    labels = read_labels(layer([at(1, 1)], 3857, c=["a"]), GRID, labels_crs=32633)
    assert places(labels) == [(1, 1)] and said(labels, "though the labels say")


def test_a_column_that_is_not_there():
    frame = layer([Point(1, 1)], **{"Classname": ["a"], "kind": ["b"]})
    with pytest.raises(LabelsError, match="no column 'classnam'. Did you mean Classname.*Its columns: Classname, kind"):
        read_labels(frame, PIXELS, class_column="classnam")
    with pytest.raises(LabelsError, match="which column holds the class.*Classname, kind"):
        read_labels(frame, PIXELS)
    with pytest.raises(LabelsError, match="not both"):
        read_labels(frame, PIXELS, class_column="kind", target_column="kind")


def test_the_only_column_is_taken_and_said():
    frame = layer([Point(1, 1), Point(2, 2)], id=[1, 2], weight=[0.5, 0.25], kind=["a", "b"], color=["#ff0000", None])
    labels = read_labels(frame, PIXELS)
    assert said(labels, "column 'kind', the only one") and labels.colours == {"a": "#ff0000"}


def test_fractions_are_no_classes():
    with pytest.raises(LabelsError, match="holds 1.5, which is no class.*--target-column v"):
        read_labels(layer([Point(1, 1)], v=[1.5]), PIXELS, class_column="v")


def test_a_quantity_with_its_unit():
    frame = layer([Point(1, 1), Point(2, 2), Point(3, 3), Point(4, 4)], v=[1.5, "2", None, np.inf])
    labels = read_labels(frame, PIXELS, target_column="v", unit="%")
    assert labels.problem == Quantity("v", "%")
    assert labels.targets.dtype == np.float32 and labels.targets.tolist() == [1.5, 2.0]
    assert said(labels, "2 labels with nothing in 'v'")


def test_two_values_on_a_pixel_give_their_mean():
    labels = read_labels(
        layer([box(0, 0, 4, 4), box(2, 0, 6, 4), Point(9, 9)], v=[1.0, 3.0, 7.0]), PIXELS, target_column="v"
    )
    found = dict(zip(places(labels), labels.targets.tolist(), strict=True))
    assert found[0, 0] == 1 and found[0, 2] == 2 and found[0, 5] == 3 and found[9, 9] == 7
    assert said(labels, "8 pixels have several values")


@pytest.mark.parametrize("value", ["wet", True, "1,5", "x" * 10_000])
def test_a_quantity_needs_numbers(value):
    with pytest.raises(LabelsError, match="not a number") as told:
        read_labels(layer([Point(1, 1)], v=[value]), PIXELS, target_column="v")
    assert len(str(told.value)) < 300


def test_an_empty_column_is_no_label():
    with pytest.raises(LabelsError, match="column 'c' is empty in all of its 2"):
        read_labels(layer([Point(1, 1), Point(2, 2)], c=[None, None]), PIXELS, class_column="c")


def test_a_large_polygon_gives_a_seeded_sample_spread_over_features():
    grid = Grid(None, Affine.identity(), 2100, 1500)  # several blocks
    frame = layer([box(0, 0, 1500, 2000), box(0, 2050, 10, 2060), Point(5.5, 2090.5)], c=["a", "a", "b"])
    labels = read_labels(frame, grid, limit=300)
    again, other = read_labels(frame, grid, limit=300), read_labels(frame, grid, limit=300, seed=1)
    assert np.bincount(labels.targets).tolist() == [300, 1] and said(labels, "a random 300 are used of a (3,000,100)")
    assert np.bincount(labels.groups).tolist() == [
        200,
        100,
        1,
    ]  # all of the small feature's pixels, the rest of the large
    assert places(labels) == places(again) != places(other)
    inside = labels.groups == 0
    assert abs(labels.rows[inside].mean() - 1000) < 150 and abs(labels.columns[inside].mean() - 750) < 150


def test_no_limit_gives_every_pixel():
    assert len(read_labels(layer([box(0, 0, 30, 20)], c=["a"]), PIXELS, limit=None)) == 600


def test_blocks_leave_no_seam():
    grid = Grid(None, Affine.identity(), 1030, 2060)
    ring = Point(1024, 900).buffer(125).difference(Point(1024, 900).buffer(120))
    found = np.zeros((1030, 2060), int)
    labels = read_labels(layer([ring], c=["a"]), grid, limit=None)
    np.add.at(found, (labels.rows, labels.columns), 1)
    rows, columns = np.mgrid[:1030, :2060] + 0.5
    assert (found == shapely.contains_xy(ring, columns, rows)).all()


def test_keep_drops_rows_and_the_classes_that_lose_their_last():
    labels = read_labels(layer([Point(1, 1), Point(2, 2), Point(3, 3)], c=["a", "b", "c"]), PIXELS)
    kept = labels.keep(labels.targets != 1)
    assert kept.problem == Classes(("a", "c")) and kept.targets.tolist() == [0, 1] and len(labels) == 3
    assert said(kept, "1 labelled pixel on pixels without data: left out") and said(kept, "No label is left of: b")
    assert labels.keep(np.ones(3, bool)) is labels
    with pytest.raises(LabelsError, match="none of its 3 labelled pixels is left"):
        labels.keep(np.zeros(3, bool))


def test_one_class_makes_no_map():
    labels = read_labels(layer([Point(1, 1), Point(2, 2)], c=["a", "a"]), PIXELS)
    with pytest.raises(LabelsError, match="every label is 'a'"):
        labels.require_enough()


def test_one_value_makes_no_map_of_a_quantity():
    with pytest.raises(LabelsError, match="one labelled pixel alone"):
        read_labels(layer([Point(1, 1)], v=[1.0]), PIXELS, target_column="v").require_enough()
    read_labels(layer([Point(1, 1), Point(2, 2)], v=[1.0, 1.0]), PIXELS, target_column="v").require_enough()


def test_names_are_such_as_every_file_can_hold():
    given = np.array(["a\x1b[2J", "\ud800b", "\u0915\u094d\u200d\u0937 🌲"], dtype=object)
    frame = layer([Point(1, 1), Point(2, 2), Point(3, 3)], c=pd.Series(given, dtype=object))
    names = read_labels(frame, PIXELS).problem.names
    assert names == ("a\ufffd[2J", "\u0915\u094d\u200d\u0937 🌲", "\ufffdb")
    quantity = read_labels(layer([Point(1, 1)], **{"v\x07": [1.0]}), PIXELS, target_column="v\x07", unit="\x1b%")
    assert quantity.problem == Quantity("v\ufffd", "\ufffd%")


def test_many_overlapping_quantities_give_each_pixel_the_mean_of_its_own():
    rng = np.random.default_rng(0)
    x, y, width, height = rng.uniform(-3, 27, 60), rng.uniform(-3, 18, 60), *rng.uniform(3.2, 14, (2, 60))
    shapes, values = [box(*one) for one in zip(x, y, x + width, y + height, strict=True)], rng.uniform(0, 9, 60)
    labels = read_labels(layer([*shapes, Point(0.2, 0.2)], v=[*values, 4.0]), PIXELS, target_column="v")
    rows, columns = np.mgrid[:20, :30] + 0.5
    held = np.array([shapely.contains_xy(shape, columns, rows) for shape in shapes] + [(rows < 1) & (columns < 1)])
    assert places(labels) == sorted(zip(*np.nonzero(held.any(0)), strict=True))
    mean = (held * np.r_[values, 4.0][:, None, None]).sum(0) / np.maximum(held.sum(0), 1)
    np.testing.assert_allclose(labels.targets, mean[labels.rows, labels.columns], rtol=1e-5)

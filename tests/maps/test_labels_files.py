"""Labels in files: every format gives the same labels, and what is broken is refused with a remedy."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile

import geopandas as gpd
import pytest
import rasterio.crs
from affine import Affine
from shapely import Point, box

from handful.errors import EnvironmentFault, LabelsError
from handful.maps.grid import Grid
from handful.maps.labels import read_labels
from handful.problem import Classes

UTM = rasterio.crs.CRS.from_epsg(32633)
GRID = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 5_000_200), 20, 30)
FORMATS = ("labels.gpkg", "labels.geojson", "labels.shp", "labels.fgb")
WANTED = [(4, 3, "water"), (11, 20, "forest")]


def at(column, row):
    return Point(500_000 + 10 * column + 5, 5_000_200 - 10 * row - 5)


def frame(**more):
    return gpd.GeoDataFrame({"kind": ["water", "forest"], **more}, geometry=[at(3, 4), at(20, 11)], crs=32633)


def found(labels):
    names = [labels.problem.names[target] for target in labels.targets]
    return list(zip(labels.rows.tolist(), labels.columns.tolist(), names, strict=True))


def refused(path, words, grid=GRID, **settings):
    with pytest.raises(LabelsError, match=words) as caught:
        read_labels(path, grid, **settings)
    assert str(path.name) in str(caught.value)


@pytest.fixture
def written(tmp_path):
    for name in FORMATS:
        frame().to_file(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("crs", [32633, 4326, 3857])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_and_crs_gives_the_same(tmp_path, name, crs):
    frame().to_crs(crs).to_file(tmp_path / name)
    assert found(read_labels(tmp_path / name, GRID, class_column="kind")) == WANTED


@pytest.mark.parametrize("name", FORMATS[:2] + FORMATS[3:])
def test_a_format_is_known_by_its_content(written, name):
    shutil.copy(written / name, written / "labels.txt")
    assert found(read_labels(str(written / "labels.txt"), GRID)) == WANTED


@pytest.mark.parametrize("name", FORMATS)
def test_booleans_and_nothing_survive_a_file(tmp_path, name):
    more = frame(n=[9, 10]).iloc[[0, 1, 1]].assign(n=[9, 10, None])
    more.to_file(tmp_path / name)
    assert read_labels(tmp_path / name, GRID, class_column="n").problem == Classes(("9", "10"))


@pytest.mark.parametrize("name", FORMATS)
def test_truncated_files_are_refused(written, name):
    whole = (written / name).read_bytes()
    for share in (0.3, 0.6, 0.95):
        (written / name).write_bytes(whole[: int(len(whole) * share)])
        refused(written / name, "truncated|damaged|broken", class_column="kind")


@pytest.mark.parametrize("name", FORMATS)
def test_a_layer_without_features_is_refused(tmp_path, name):
    frame().iloc[:0].to_file(tmp_path / name)
    refused(tmp_path / name, "no features", class_column="kind")


@pytest.mark.parametrize("name", FORMATS)
def test_random_damage_never_shows_a_private_error(written, name):
    whole = bytearray((written / name).read_bytes())
    for start in range(4, len(whole), max(1, len(whole) // 25)):
        broken = bytearray(whole)
        broken[start : start + 9] = b"\xff\x00\x80\x7f\xfe\x01\x00\xff\x7f"[: len(broken[start : start + 9])]
        (written / name).write_bytes(broken)
        try:
            read_labels(written / name, GRID, class_column="kind")
        except LabelsError as error:
            assert name in str(error)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a file of labels"),
        (b"\x1f\x8b" + bytes(100), "gzip archive. Unpack"),
        (b"<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>/etc/passwd</SrcDataSource>", "XML .*GeoPackage"),
        (b"hello\nworld\n", "names no columns lon and lat"),
        (b"SQLite format 3\0" + bytes(200), "damaged or truncated"),
        (b"fgb\x03fgb\x00" + bytes(200), "damaged"),
        (b"\0\0\x27\x0a" + bytes(96), "missing"),
        (b"{", "broken or truncated JSON"),
        (b"[1, 2]", "not a GeoJSON FeatureCollection"),
        (b'{"type": "Topology", "objects": {}}', "'Topology', not a GeoJSON"),
        (b'{"type": "Point", "coordinates": [1, 2]}', "bare geometry"),
        (b'{"type": "FeatureCollection", "features": []}', "no features"),
        (b'{"a":' * 100_000, "nested too deeply|broken"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": "\xff\xfe"}', "not UTF-8"),
        (b"lon,lat,kind\n1,2\n", "line 2: 2 fields"),
        (b"lon,lat,kind\n", "no features"),
    ],
)
@pytest.mark.parametrize("name", ["labels.gpkg", "labels.geojson"])
def test_what_is_no_label_file_is_refused(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, words)


def test_missing_files_folders_and_archives(tmp_path):
    refused(tmp_path / "none.gpkg", "no such file")
    refused(tmp_path, "is a folder")
    with zipfile.ZipFile(tmp_path / "labels.zip", "w") as packed:
        packed.writestr("labels.geojson", "{}")
    refused(tmp_path / "labels.zip", "zip archive")


@pytest.mark.parametrize(
    "address", ["/vsicurl/http://localhost/a.gpkg", "https://localhost/a.geojson", "zip://a.zip!b.shp", "a\0b"]
)
def test_addresses_are_no_files(address):
    with pytest.raises(LabelsError, match="no such file|not a path"):
        read_labels(address, GRID)


def test_no_permission_is_the_environments_fault(written, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(EnvironmentFault, match="permission"):
        read_labels(written / "labels.gpkg", GRID)


def test_a_name_that_gdal_would_take_for_something_else(written):
    names = (
        "a!b.zip#?&[1] ü.gpkg",
        "a;b.gpkg",
        "a.zip",
        "gpkg:a.gpkg",
        "a\tb.gpkg",
        "a\nb.gpkg",
        os.fsdecode(b"\xe9.gpkg"),
    )
    for odd in names:
        shutil.copy(written / "labels.gpkg", written / odd)
        assert found(read_labels(written / odd, GRID)) == WANTED
    for part in (".shp", ".shx", ".dbf", ".prj"):
        shutil.copy(written / f"labels{part}", written / f"a!b;c{part}")
    assert found(read_labels(written / "a!b;c.shp", GRID)) == WANTED


# GeoJSON


def geojson(path, crs=..., places=((3, 4), (20, 11)), epsg=32633):
    points = gpd.GeoSeries([at(*place) for place in places], crs=32633).to_crs(epsg)
    features = [
        {"type": "Feature", "properties": {"kind": kind}, "geometry": {"type": "Point", "coordinates": [p.x, p.y]}}
        for kind, p in zip(("water", "forest"), points, strict=True)
    ]
    content = {"type": "FeatureCollection", "features": features}
    if crs is not ...:
        content["crs"] = crs
    path.write_text(json.dumps(content))
    return path


def named(name):
    return {"type": "name", "properties": {"name": name}}


@pytest.mark.parametrize(
    "crs",
    [named("urn:ogc:def:crs:EPSG::32633"), named("EPSG:32633"), {"type": "EPSG", "properties": {"code": 32633}}],
)
def test_the_crs_member_of_old_geojson(tmp_path, crs):
    assert found(read_labels(geojson(tmp_path / "a.geojson", crs), GRID)) == WANTED


@pytest.mark.parametrize("crs", [..., named("urn:ogc:def:crs:OGC:1.3:CRS84"), named("urn:ogc:def:crs:EPSG::4326")])
def test_geojson_in_degrees_is_longitude_first(tmp_path, crs):
    assert found(read_labels(geojson(tmp_path / "a.geojson", crs, epsg=4326), GRID)) == WANTED


@pytest.mark.parametrize(
    "crs",
    [
        named("EPSG:99999"),
        named("urn:ogc:def:crs:MARS::1"),
        named("x"),
        {"type": "link"},
        "EPSG:4326",
        3,
        None,
        named(7),
    ],
)
def test_an_unknown_crs_is_not_taken_for_degrees(tmp_path, crs):
    path = geojson(tmp_path / "a.geojson", crs, epsg=4326)
    refused(path, "--labels-crs")
    assert found(read_labels(path, GRID, labels_crs="EPSG:4326")) == WANTED


def test_metres_without_a_crs_are_not_taken_for_degrees(tmp_path):
    refused(geojson(tmp_path / "a.geojson"), "no longitudes and latitudes.*--labels-crs")
    assert found(read_labels(geojson(tmp_path / "a.geojson"), GRID, labels_crs=32633)) == WANTED


def test_hostile_features_are_counted(tmp_path):
    good = json.loads(geojson(tmp_path / "a.geojson", named("EPSG:32633")).read_text())
    odd = [
        {"type": "Polygon", "coordinates": "x"},
        {"type": "Point", "coordinates": [None, 1]},
        {"type": "Nut"},
        5,
        "x",
    ]
    good["features"] += [{"properties": {"kind": "water"}, "geometry": geometry} for geometry in odd]
    good["features"] += [None, 7, {"properties": [1], "geometry": None}, {}]
    (tmp_path / "b.geojson").write_text(json.dumps(good))
    labels = read_labels(tmp_path / "b.geojson", GRID)
    assert found(labels) == WANTED and any("7 labels without a geometry" in note for note in labels.notes)


# Shapefile


@pytest.mark.parametrize("suffix", [".shx", ".dbf"])
def test_a_shapefile_without_its_parts(written, suffix):
    (written / f"labels{suffix}").unlink()
    refused(written / "labels.shp", rf"labels\{suffix} beside it is missing")


def test_a_shapefile_with_a_broken_projection(written):
    (written / "labels.prj").write_text('PROJCS["a",GEOGCS["b"]]')
    refused(written / "labels.shp", "its CRS is unknown")


@pytest.mark.parametrize("text", [None, "", "nonsense", 'LOCAL_CS["x"]'])
def test_a_shapefile_without_a_known_crs(written, text):
    (written / "labels.prj").unlink()
    if text is not None:
        (written / "labels.prj").write_text(text)
    refused(written / "labels.shp", "--labels-crs")
    assert found(read_labels(written / "labels.shp", GRID, labels_crs="EPSG:32633")) == WANTED


def test_a_part_of_a_shapefile_names_the_whole(written):
    refused(written / "labels.dbf", "Give labels.shp")
    refused(written / "labels.shx", "Give labels.shp")


def test_latin_names_of_classes(tmp_path):
    frame().assign(kind=["Wälder", "Fluß"]).to_file(tmp_path / "a.shp", encoding="ISO-8859-1")
    assert read_labels(tmp_path / "a.shp", GRID).problem == Classes(("Fluß", "Wälder"))
    (tmp_path / "a.cpg").write_text("UTF-8")
    assert len(read_labels(tmp_path / "a.shp", GRID)) == 2


# GeoPackage


def change(path, *statements):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            database.execute(*statement if isinstance(statement, tuple) else (statement,))
    database.close()


@pytest.mark.parametrize("srs", [-1, 0, 77777])
def test_an_undefined_crs_in_a_geopackage(written, srs):
    path = written / "labels.gpkg"
    change(path, f"UPDATE gpkg_geometry_columns SET srs_id={srs}", f"UPDATE gpkg_contents SET srs_id={srs}")
    refused(path, "--labels-crs")
    assert found(read_labels(path, GRID, labels_crs=32633)) == WANTED


def test_reading_leaves_nothing_beside_a_geopackage(tmp_path):
    frame().to_file(tmp_path / "labels.gpkg")
    change(tmp_path / "labels.gpkg", "PRAGMA journal_mode = WAL")
    before = (tmp_path / "labels.gpkg").read_bytes()
    assert found(read_labels(tmp_path / "labels.gpkg", GRID)) == WANTED
    assert [path.name for path in tmp_path.iterdir()] == ["labels.gpkg"]
    assert (tmp_path / "labels.gpkg").read_bytes() == before


@pytest.mark.parametrize("honest", [True, False])
def test_changes_that_a_killed_program_left_are_read_and_left(tmp_path, honest):
    path, log = tmp_path / "labels.gpkg", tmp_path / "labels.gpkg-wal"
    frame().to_file(path)
    log.write_bytes(b"nonsense")
    if honest:
        script = (
            "import os, sqlite3, sys; base = sqlite3.connect(sys.argv[1]); base.execute('PRAGMA journal_mode = WAL')"
        )
        script += "; base.execute('CREATE TABLE more (a)'); base.commit(); os._exit(0)"
        log.unlink()
        subprocess.run([sys.executable, "-c", script, str(path)], check=True)
        assert log.stat().st_size
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    assert found(read_labels(path, GRID)) == WANTED
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


def test_several_layers(tmp_path):
    path = tmp_path / "a.gpkg"
    frame().to_file(path, layer="points")
    frame().rename(columns={"kind": "other"}).to_file(path, layer="roads")
    labels = read_labels(path, GRID, class_column="kind")
    assert found(labels) == WANTED and any("layer 'points'" in note for note in labels.notes)
    assert len(read_labels(path, GRID, class_column="other", layer="roads")) == 2
    refused(path, "2 layers, none of them with a column 'x'.*points, roads", class_column="x")
    refused(path, "2 layers.*give --layer")
    refused(path, "no layer 'point'. Did you mean points", layer="point")


def test_a_database_that_is_no_geopackage(tmp_path):
    change(tmp_path / "a.gpkg", "CREATE TABLE a (b)")
    refused(tmp_path / "a.gpkg", "not a GeoPackage")


def test_rows_computed_without_end_are_refused(written):
    change(
        written / "labels.gpkg",
        "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n",
    )
    refused(written / "labels.gpkg", "computes its rows")


QML = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis><renderer-v2 type="categorizedSymbol" attr="kind"><categories>
<category symbol="0" value="water" label="Water"/><category symbol="1" value="forest" label="F"/></categories>
<symbols><symbol name="0" type="marker"><layer><Option type="Map"><Option name="color"
value="10,20,255,255,rgb:0,0,1,1"/></Option></layer></symbol>
<symbol name="1" type="fill"><layer><prop k="color" v="0,128,0,255"/></layer></symbol></symbols>
</renderer-v2></qgis>"""
HUES = {"water": "#0a14ff", "forest": "#008000"}


def test_the_style_beside_a_file_gives_its_colours(written):
    (written / "labels.qml").write_text(QML)
    assert read_labels(written / "labels.shp", GRID).colours == HUES


def test_the_style_in_a_geopackage_gives_its_colours(written):
    table = "CREATE TABLE layer_styles (f_table_name TEXT, styleQML TEXT, useAsDefault BOOLEAN)"
    change(written / "labels.gpkg", table, ("INSERT INTO layer_styles VALUES ('labels', ?, 1)", (QML,)))
    assert read_labels(written / "labels.gpkg", GRID).colours == HUES


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE qgis [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><qgis>&b;</qgis>',
        QML.replace("kind", "other"),
        QML.replace("10,20,255", "999,1,1").replace("0,128,0", "red"),
        QML[:300],
        "<a>" * 100_000,
    ],
)
def test_other_styles_are_passed_over(written, text):
    (written / "labels.qml").write_text(text)
    labels = read_labels(written / "labels.shp", GRID)
    assert found(labels) == WANTED and labels.colours == {}


# Tables


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("names", [("lon", "lat"), ("Longitude", "LATITUDE"), ("LNG", "Lat")])
def test_tables_in_degrees(tmp_path, names, delimiter):
    places = frame().to_crs(4326).geometry
    rows = [
        ["id", *names, "kind"],
        *([i, p.x, p.y, k] for i, p, k in zip((1, 2), places, ("water", "forest"), strict=True)),
    ]
    text = "\n".join(delimiter.join(map(str, row)) for row in rows)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8-sig")
    assert found(read_labels(tmp_path / "a.csv", GRID)) == WANTED


def test_tables_in_metres_need_a_crs(tmp_path):
    (tmp_path / "a.csv").write_text("X,Y,kind\n500035,5000155,water\n\n500205,5000085,forest\n,5000085,forest\n")
    refused(tmp_path / "a.csv", "columns X and Y don't say.*--labels-crs")
    labels = read_labels(tmp_path / "a.csv", GRID, labels_crs="EPSG:32633")
    assert found(labels) == WANTED and any("1 label without" in note for note in labels.notes)


def test_degrees_that_are_metres_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("lon,lat,kind\n500035,5000155,water\n500205,5000085,forest\n")
    refused(tmp_path / "a.csv", "no longitudes and latitudes")


def test_decimal_commas_windows_lines_and_latin_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(
        "x;y;kind\r\n500035,0;5000155,0;Wälder\r\n500205,5;5000085,5;Fluß\r\n".encode("latin-1")
    )
    labels = read_labels(tmp_path / "a.csv", GRID, labels_crs=32633)
    assert labels.problem == Classes(("Fluß", "Wälder")) and any("Latin 1" in note for note in labels.notes)


def test_whole_numbers_of_a_table_are_ordered_as_numbers(tmp_path):
    rows = [f"{500_005 + 10 * i},5000155,{value}" for i, value in enumerate(["10", "9.0", "", "NULL", "2"])]
    (tmp_path / "a.csv").write_text("x,y,kind\n" + "\n".join(rows))
    labels = read_labels(tmp_path / "a.csv", GRID, labels_crs=32633)
    assert labels.problem == Classes(("2", "9", "10")) and any(
        "2 labels with nothing in 'kind'" in note for note in labels.notes
    )


def test_a_scene_without_a_georeference_takes_columns_and_rows(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,kind\n3.5,4.5,water\n20.5,11.5,forest\n")
    assert found(read_labels(tmp_path / "a.csv", Grid(None, Affine.identity(), 20, 30))) == WANTED


def test_polygons_survive_a_file(tmp_path):
    area = gpd.GeoDataFrame({"kind": ["water"]}, geometry=[box(500_000, 5_000_100, 500_100, 5_000_200)], crs=32633)
    for name in FORMATS:
        area.to_file(tmp_path / name)
        assert len(read_labels(tmp_path / name, GRID)) == 100


# What cannot be laid on the scene


def test_a_table_without_numbers_says_so(tmp_path):
    (tmp_path / "a.csv").write_text("kind,x,y\nwater,50 m,north\nforest,60 m,south\n")
    refused(tmp_path / "a.csv", "2 labels without a geometry.*check its coordinates", labels_crs="EPSG:32633")


def test_a_scene_that_is_nowhere_on_earth_is_to_blame(written):
    nowhere = Grid(rasterio.crs.CRS.from_wkt('LOCAL_CS["mine"]'), GRID.transform, GRID.height, GRID.width)
    with pytest.raises(LabelsError, match="nothing can be laid on the scene.*gdal_edit"):
        read_labels(written / "labels.gpkg", nowhere)

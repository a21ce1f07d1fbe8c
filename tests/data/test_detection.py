"""Readers of scenes with objects: their true layouts, and what is counted, cut and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import voc, voc_object, write_lines, write_picture

from handful.data import DETECTION, find_detection
from handful.errors import DataError, SettingsError

GREY = np.full((30, 40, 3), 100, np.uint8)
SHIP = "5.0 5.0 15.0 5.0 15.0 9.0 5.0 9.0 ship 0"


def dota(root: Path, *lines: str) -> Path:
    write_picture(root / "train" / "images" / "P0000.png", GREY)
    return write_lines(root / "train" / "labelTxt" / "P0000.txt", "imagesource:GoogleEarth", "gsd:0.146", *lines)


def dior(root: Path, *objects: str, before: str = "") -> Path:
    write_picture(root / "JPEGImages-trainval" / "00001.jpg", GREY)
    return write_lines(root / "Annotations" / "Horizontal Bounding Boxes" / "00001.xml", voc("".join(objects), before))


def nwpu(root: Path, *lines: str) -> Path:
    write_picture(root / "NWPU VHR-10 dataset" / "positive image set" / "001.jpg", GREY)
    write_picture(root / "NWPU VHR-10 dataset" / "negative image set" / "001.jpg", GREY)
    return write_lines(root / "NWPU VHR-10 dataset" / "ground truth" / "001.txt", *lines)


def test_dota_has_turned_boxes_and_marks_hard_ones(tmp_path: Path):
    dota(tmp_path, SHIP, "20 10 30 20 20 28 10 20 small-vehicle 1")
    data = find_detection("dota")
    assert data.parts(tmp_path) == {"train/P0000": "train"}
    scene = data.read(tmp_path, "train/P0000")
    assert [scene.names[k] for k in scene.kinds] == ["ship", "small-vehicle"] and scene.hard.tolist() == [False, True]
    assert scene.corners[1].tolist() == [[20, 10], [30, 20], [20, 28], [10, 20]]
    assert scene.boxes.tolist() == [[5, 5, 15, 9], [10, 10, 30, 28]]
    assert scene.inputs.shape == (1, 3, 30, 40) and float(scene.inputs.mean()) == pytest.approx(100 / 255)


@pytest.mark.parametrize("nested", ["labelTxt-v1.0/labelTxt", "labelTxt-v1.5/DOTA-v1.5_train"])
def test_dota_as_its_archives_nest_it(tmp_path: Path, nested: str):
    write_picture(tmp_path / "train" / "images" / "P0000.png", GREY)
    write_lines(tmp_path / "train" / nested / "P0000.txt", SHIP.removesuffix(" 0"))
    (tmp_path / "train" / nested).with_name("DOTA-v1.5_train_hbb").mkdir()
    data = find_detection("dota")
    assert len(data.read(tmp_path, next(iter(data.parts(tmp_path)))).kinds) == 1


def test_dior_is_one_based_and_has_lists(tmp_path: Path):
    dior(tmp_path, voc_object("airplane", 1, 1, 40, 30), voc_object("Expressway-Service-area", 11, 6, 20, 15))
    data = find_detection("dior")
    assert data.parts(tmp_path) == {"00001": ""}
    write_lines(tmp_path / "ImageSets" / "Main" / "val.txt", "00001")
    assert data.parts(tmp_path) == {"00001": "val"}
    scene = data.read(tmp_path, "00001")
    assert scene.boxes.tolist() == [[0, 0, 40, 30], [10, 5, 20, 15]] and scene.notes == ()


def test_nwpu_has_images_with_and_without(tmp_path: Path):
    nwpu(tmp_path, "(5,6),(15,16),1 ", "( 20, 2),(30, 12),10")
    data = find_detection("nwpu-vhr-10")
    assert list(data.parts(tmp_path)) == ["positive/001", "negative/001"]
    scene = data.read(tmp_path, "positive/001")
    assert [scene.names[k] for k in scene.kinds] == ["airplane", "vehicle"]
    assert scene.boxes.tolist() == [[5, 6, 15, 16], [20, 2, 30, 12]]
    assert data.read(tmp_path, "negative/001").boxes.shape == (0, 4)


def test_odd_boxes_are_counted_and_told(tmp_path: Path):
    flat, off, across = "3 3 3 3 3 3 3 3", "90 90 99 90 99 99 90 99", "30 20 50 20 50 40 30 40"
    dota(tmp_path, *(f"{box} ship 0" for box in (flat, flat, off, across)))
    scene = find_detection("dota").read(tmp_path, "train/P0000")
    assert scene.boxes.tolist() == [[30, 20, 40, 30]]
    assert scene.notes == (
        "P0000.txt: 2 boxes without an area: left out.",
        "P0000.txt: 1 box off the image: left out.",
        "P0000.txt: 1 box across the image's edge: cut there.",
    )


@pytest.mark.parametrize(
    "name, make, bad, why",
    [
        ("dota", dota, "1 2 3 4 5 6 7 8 shipp 0", "line 3: no kind is called 'shipp'. Did you mean ship"),
        ("dota", dota, "1 2 3 ship 0", "line 3: 5 fields, expected eight coordinates"),
        ("dota", dota, "1 2 3 4 5 6 7 x ship 0", "line 3: could not convert"),
        ("dota", dota, "1 2 3 4 5 6 7 nan ship 0", "line 3: a box with coordinates that are no numbers"),
        ("nwpu-vhr-10", nwpu, "(1,2),(3,4),11", "line 1: kind 11, expected 1 to 10"),
        ("nwpu-vhr-10", nwpu, "1,2,3,4,5", r"line 1: '1,2,3,4,5', expected \(x1,y1\)"),
        ("dior", dior, voc_object("zeppelin", 1, 1, 2, 2), "object 1: no kind is called 'zeppelin'"),
        ("dior", dior, "<object><name>ship</name></object>", "object 1: no 'bndbox/xmin'"),
        ("dior", dior, "<object>", "no XML of this data set"),
    ],
)
def test_one_clear_error(tmp_path: Path, name: str, make, bad: str, why: str):
    make(tmp_path, bad)
    data = find_detection(name)
    with pytest.raises(DataError, match=why):
        data.read(tmp_path, next(iter(data.parts(tmp_path))))


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]>'
FETCH = '<!DOCTYPE a SYSTEM "file:///etc/passwd">'


@pytest.mark.parametrize("before", [BOMB, FETCH])
def test_xml_declares_nothing(tmp_path: Path, before: str):
    dior(tmp_path, voc_object("ship", 1, 1, 9, 9), before=before)
    with pytest.raises(DataError, match="declares a document type"):
        find_detection("dior").read(tmp_path, "00001")


def test_xml_is_not_endlessly_deep(tmp_path: Path):
    dior(tmp_path, "<a>" * 100_000 + "</a>" * 100_000)
    with pytest.raises(DataError, match="deep"):
        find_detection("dior").read(tmp_path, "00001")


@pytest.mark.parametrize("name", DETECTION)
def test_what_is_missing_is_said(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=f"data set '{name}'. Expected: .*Get it from"):
        find_detection(name).parts(tmp_path)


def test_a_missing_image_is_named(tmp_path: Path):
    dota(tmp_path, SHIP)
    (tmp_path / "train" / "images" / "P0000.png").unlink()
    with pytest.raises(DataError, match="P0000.png is missing"):
        find_detection("dota").read(tmp_path, "train/P0000")


def test_an_unknown_set():
    with pytest.raises(SettingsError, match="Did you mean dota"):
        find_detection("dotta")

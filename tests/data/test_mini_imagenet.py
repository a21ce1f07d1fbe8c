"""The reader of miniImageNet: classes from the lists, pictures brought to one size, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import write_picture

from handful.data import find_data
from handful.errors import DataError

DATA = find_data("mini-imagenet")
CLASSES = {"train": "n01532829", "val": "n01855672", "test": "n01930112"}


def make(root: Path, nested: bool = False) -> None:
    """Two pictures a class, of unequal size."""
    for name, label in CLASSES.items():
        files = [f"{label}0000000{number}.jpg" for number in (5, 6)]
        (root / f"{name}.csv").write_text("filename,label\n" + "".join(f"{file},{label}\n" for file in files))
        for number, file in enumerate(files):
            home = root / "images" / label if nested else root / "images"
            write_picture(home / file, np.full((84 + number, 100, 3), 50 * (number + 1), np.uint8))


@pytest.mark.parametrize("nested", [False, True])
def test_a_site_is_a_class_of_a_list(tmp_path: Path, nested: bool) -> None:
    make(tmp_path, nested)
    assert DATA.groups(tmp_path) == dict.fromkeys(CLASSES.values(), "") and DATA.site_is == "class"
    parts = dict(zip(CLASSES.values(), ["train", "validation", "test"], strict=True))
    assert DATA.splits(tmp_path) == {"ravi": parts}
    region = DATA.regions(tmp_path, ["n01855672"], {})[0]
    assert region.examples.inputs.shape == (2, 3, 84, 84) and region.examples.problem.names == ("n01855672",)
    assert region.origins == ("n0185567200000005.jpg", "n0185567200000006.jpg")


def test_missing_and_odd_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="image-net.org.*research only"):
        DATA.groups(tmp_path)
    make(tmp_path)
    (tmp_path / "images" / "n0153282900000005.jpg").unlink()
    with pytest.raises(DataError, match="n0153282900000005.jpg is missing"):
        DATA.regions(tmp_path, ["n01532829"], {})
    (tmp_path / "val.csv").write_text("file,class\na,b\n")
    with pytest.raises(DataError, match="val.csv has no column filename"):
        DATA.groups(tmp_path)
    (tmp_path / "val.csv").write_text("filename,label\n../secret.jpg,n1\n")
    with pytest.raises(DataError, match="expected the name of a file"):
        DATA.groups(tmp_path)
    (tmp_path / "val.csv").unlink()
    with pytest.raises(DataError, match="a part of the data set: val.csv missing"):
        DATA.groups(tmp_path)

"""Images in archives: within bounds, named where damaged, and read again when the file is another."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from small_sets import damage, encoded, write_zip

from handful.data import zips
from handful.errors import DataError

GREY = np.full((4, 6), 200, np.uint8)


def test_folders_hold_images_only_and_in_order(tmp_path: Path) -> None:
    data = encoded(GREY)
    names = ["a/b/2.png", "a/b/1.PNG", "a/c/x.tif", "a/notes.txt", "__MACOSX/a/b/1.png", "a/b/.hidden.png", "a/b/"]
    path = write_zip(tmp_path / "x.zip", {name: data for name in names})
    assert zips.folders(path) == {"a/b": ("a/b/1.PNG", "a/b/2.png"), "a/c": ("a/c/x.tif",)}


def test_an_image_keeps_its_values_or_is_resized(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"1.png": encoded(GREY)})
    assert np.array_equal(zips.image(path, "1.png", "L"), GREY)
    resized = zips.image(path, "1.png", "RGB", 3)
    assert resized.shape == (3, 3, 3) and resized.dtype == np.uint8 and (resized == 200).all()


def test_colours_stand_in_their_order(tmp_path: Path) -> None:
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 255
    path = write_zip(tmp_path / "x.zip", {"1.png": encoded(red), "2.png": encoded(np.zeros((3, 2, 3), np.uint8))})
    found = zips.colours(path, ["1.png"])
    assert found.dtype == torch.float32 and found[0, :, 0, 0].tolist() == [1.0, 0.0, 0.0]
    with pytest.raises(DataError, match="2.png is .3, 2. pixels"):
        zips.colours(path, ["1.png", "2.png"])


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)
    path = write_zip(tmp_path / "x.zip", {"a/1.png": encoded(noise), "a/2.png": encoded(noise), "a/3.png": b"no image"})
    damage(path, "a/2.png")
    assert np.array_equal(zips.image(path, "a/1.png", "L"), noise)
    for name in ("a/2.png", "a/3.png", "a/4.png"):
        with pytest.raises(DataError, match=f"x.zip: {name} cannot be"):
            zips.image(path, name, "L")


def test_a_member_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "x.zip", {"1.png": encoded(GREY)})
    monkeypatch.setattr(zips, "MOST_PIXELS", 20)
    with pytest.raises(DataError, match="4 x 6 pixels"):
        zips.image(path, "1.png", "L")
    monkeypatch.setattr(zips, "MOST_BYTES", 10)
    with pytest.raises(DataError, match="1.png has more than 10 bytes"):
        zips.image(path, "1.png", "L")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"1.png": encoded(GREY)})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="x.zip cannot be read as a zip"):
        zips.folders(path)
    with pytest.raises(DataError, match="absent.zip cannot be read .No such file"):
        zips.folders(tmp_path / "absent.zip")


def test_an_archive_is_opened_once_and_again_when_it_is_another(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a/1.png": encoded(GREY)})
    assert zips.opened(path) is zips.opened(path)
    first = zips.opened(path)
    write_zip(path, {"a/1.png": encoded(GREY // 2)})
    os.utime(path, ns=(1, 1))
    assert zips.opened(path) is not first
    assert (zips.image(path, "a/1.png", "L") == 100).all()


def test_a_forked_process_has_an_archive_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "x.zip", {"a/1.png": encoded(GREY)})
    first = zips.opened(path)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert zips.opened(path) is not first

"""UC Merced and AID: a class is a site, whatever its archive is called and its images are encoded as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_sets import damage, encoded, write_zip

from handful.data import find_data
from handful.errors import DataError

UCMERCED, AID = find_data("ucmerced"), find_data("aid")


def noise(side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def make_sets(root: Path, side: int = 128) -> Path:
    classes = ("agricultural", "beach")
    kind, end = ("JPEG", "jpg") if side == 128 else ("TIFF", "tif")
    folder = "UCMerced_LandUse/Images"
    images = {f"{folder}/{c}/{c}{k:02d}.{end}": encoded(noise(side, k), kind) for c in classes for k in range(3)}
    write_zip(root / ("ucmerced.zip" if side == 128 else "UCMerced_LandUse.zip"), images)
    write_zip(
        root / "aid.zip",
        {f"AID/{c}/{c}_{k}.jpg": encoded(noise(84, k), "JPEG") for c in ("Port", "Pond") for k in (1, 10)},
    )
    return root


def test_a_class_is_a_site(tmp_path: Path) -> None:
    make_sets(tmp_path)
    assert UCMERCED.groups(tmp_path) == {"agricultural": "", "beach": ""}
    assert AID.groups(tmp_path) == {"Pond": "", "Port": ""}
    assert UCMERCED.site_is == "class" and not UCMERCED.shared and not UCMERCED.splits(tmp_path)
    region = AID.regions(tmp_path, ["Port"], {})[0]
    assert region.examples.inputs.shape == (2, 3, 84, 84) and region.examples.problem.names == ("Port",)
    assert region.examples.targets.tolist() == [0, 0]
    assert region.origins == ("AID/Port/Port_1.jpg", "AID/Port/Port_10.jpg")


def test_pixels_are_those_of_the_image(tmp_path: Path) -> None:
    images = UCMERCED.regions(make_sets(tmp_path), ["beach"], {})[0].examples.inputs
    truth = np.moveaxis(noise(128, 2), -1, 0) / 255
    assert images.shape == (3, 3, 128, 128) and np.abs(images[2].numpy() - truth).max() < 0.05  # JPEG of quality 100


def test_the_originals_are_resized(tmp_path: Path) -> None:
    region = UCMERCED.regions(make_sets(tmp_path, side=256), ["beach"], {})[0]
    assert region.examples.inputs.shape == (3, 3, 128, 128)
    assert abs(float(region.examples.inputs[1].mean()) - noise(256, 1).mean() / 255) < 0.01


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'aid'.*captain-whu.github.io/AID"):
        AID.groups(tmp_path)
    with pytest.raises(DataError, match="'ucmerced'.*weegee.vision.ucmerced.edu"):
        UCMERCED.groups(tmp_path)
    make_sets(tmp_path)
    with pytest.raises(DataError, match="no folder of the class 'Beach'"):
        UCMERCED.regions(tmp_path, ["Beach"], {})
    damage(tmp_path / "aid.zip", "AID/Pond/Pond_10.jpg")
    with pytest.raises(DataError, match="aid.zip: AID/Pond/Pond_10.jpg"):
        AID.regions(tmp_path, ["Pond"], {})
    write_zip(tmp_path / "aid.zip", {f"{half}/Pond/1.jpg": b"" for half in "ab"})
    with pytest.raises(DataError, match="two folders of the class 'Pond'"):
        AID.groups(tmp_path)


def test_the_collection_itself(data_root: Path) -> None:
    root = data_root / "scene-classes"
    assert len(UCMERCED.groups(root)) == 21 and len(AID.groups(root)) == 30
    assert UCMERCED.regions(root, ["forest"], {})[0].examples.inputs.shape == (100, 3, 128, 128)
    assert AID.regions(root, ["Forest"], {})[0].examples.inputs.shape == (120, 3, 84, 84)

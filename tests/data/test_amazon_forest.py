"""The reader of amazon-forest: what is forest, where a scene was cut from, which masks are refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from small_forest import write_raster
from small_sets import write_csv

from handful.data import find_data
from handful.errors import DataError

DATA = find_data("amazon-forest")
NAME = "Amazon_1110.tiff_25"


def make_set(root: Path) -> Path:
    """Two scenes; the first row is no forest, and red in the image."""
    for name in (NAME, "Amazon_5.tiff_50"):
        image, mask = np.zeros((3, 5, 4), np.uint8), np.zeros((1, 5, 4), np.uint8)
        image[0, 0], image[1, 1:], mask[0, 0] = 255, 51, 1
        write_raster(root / "images" / f"{name}.tif", image)
        write_raster(root / "masks" / f"{name}.tif", mask)
    rows = [(NAME, "training", "Amazon_1110"), ("Amazon_5.tiff_50", "validation", "Amazon_5")]
    write_csv(root / "sites.csv", ("id", "split", "parent"), rows)
    return root


def test_a_scene_is_a_site(tmp_path: Path) -> None:
    assert DATA.groups(make_set(tmp_path)) == {NAME: "Amazon_1110", "Amazon_5.tiff_50": "Amazon_5"}
    assert DATA.splits(tmp_path) == {"official": {NAME: "train", "Amazon_5.tiff_50": "test"}}


def test_colours_and_classes(tmp_path: Path) -> None:
    examples = DATA.regions(make_set(tmp_path), [NAME], {})[0].examples
    assert examples.inputs.shape == (1, 3, 5, 4) and examples.inputs.dtype == torch.float32
    assert examples.inputs[0, :, 0, 0].tolist() == [1.0, 0.0, 0.0]
    assert torch.allclose(examples.inputs[0, :, 1, 0], torch.tensor([0.0, 0.2, 0.0]))
    assert examples.problem.names == ("forest", "not forest") and examples.counts().tolist() == [16, 4]
    assert examples.targets[0, 0].tolist() == [1, 1, 1, 1]


def test_odd_masks_and_images_are_refused(tmp_path: Path) -> None:
    make_set(tmp_path)
    mask, image = tmp_path / "masks" / f"{NAME}.tif", tmp_path / "images" / f"{NAME}.tif"
    write_raster(mask, np.full((1, 5, 4), 255, np.uint8))
    with pytest.raises(DataError, match="values from 255 to 255.*expected uint8, and 0"):
        DATA.regions(tmp_path, [NAME], {})
    write_raster(mask, np.zeros((1, 4, 4), np.uint8))
    with pytest.raises(DataError, match="differ in size"):
        DATA.regions(tmp_path, [NAME], {})
    write_raster(image, np.zeros((4, 5, 4), np.uint8))
    with pytest.raises(DataError, match="4 bands"):
        DATA.regions(tmp_path, [NAME], {})
    image.write_bytes(b"no raster")
    with pytest.raises(DataError, match=f"images/{NAME}.tif cannot be read"):
        DATA.regions(tmp_path, [NAME], {})
    image.unlink()
    with pytest.raises(DataError, match=f"images/{NAME}.tif is missing.*Layout"):
        DATA.regions(tmp_path, [NAME], {})


def test_a_half_or_odd_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="zenodo.3233081.*licence"):
        DATA.groups(tmp_path)
    make_set(tmp_path)
    (tmp_path / "masks").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="only a part.*masks"):
        DATA.groups(tmp_path)
    (tmp_path / "elsewhere").rename(tmp_path / "masks")
    write_csv(tmp_path / "sites.csv", ("id", "split", "parent"), [(NAME, "final", "Amazon_1110")])
    with pytest.raises(DataError, match="split 'final' is neither"):
        DATA.groups(tmp_path)


def test_the_collection_itself(data_root: Path) -> None:
    root = data_root / "amazon-forest"
    groups, split = DATA.groups(root), DATA.splits(root)["official"]
    assert len(groups) == 45 and Counter(split.values()) == {"train": 30, "test": 15}
    train, test = ({groups[name] for name in split if split[name] == part} for part in ("train", "test"))
    assert not train & test
    region = DATA.regions(root, [NAME], groups)[0]
    assert region.examples.inputs.shape == (1, 3, 512, 512)
    forest, other = region.examples.counts().tolist()
    assert round(other / (forest + other), 4) == 0.0867

"""What is planted is reported, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from handful.bench.copies import copies, exact_hash, prints_of, turned
from handful.bench.folds import Fold
from handful.bench.leaks import leaks
from handful.bench.places import nearest_m
from handful.bench.tasks import Drawn, TaskList
from handful.data import find_data
from handful.problem import Classes
from handful.region import Region
from handful.task import Examples

SIDE = 40


def picture(seed: int) -> torch.Tensor:
    """Blobs of some size with noise, as a patch of land has them (3, side, side)."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 8, 8, generator=draw)
    land = torch.nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bicubic")[0]
    return (0.8 * land + 0.2 * torch.rand(3, SIDE, SIDE, generator=draw)).clamp(0, 1)


def region(name: str, first: int) -> Region:
    """Eight images of two classes, two of each for the support."""
    images = torch.stack([picture(first + k) for k in range(8)])
    targets = torch.arange(8) % 2
    examples = Examples(images, targets, Classes(("a", "b")))
    metres = np.arange(16.0).reshape(8, 2) * 100
    return Region(name, examples, name, origins=tuple(f"{name} {k}" for k in range(8)), metres=metres)


def tasks_of(*names: str) -> TaskList:
    drawn = [Drawn(0, name, name, (name,), (0, 1), 2, 0, (0, 1, 2, 3), (4, 5, 6, 7)) for name in names]
    return TaskList("forest-damage", {}, (Fold("", ("t",), ("v",), names),), tuple(drawn))


def report(**changes: Region) -> dict:
    regions = {"t": region("t", 0), "v": region("v", 100), "x": region("x", 200), "y": region("y", 300)} | changes
    return leaks(tasks_of("x", "y"), find_data("forest-damage"), regions.__getitem__)


def with_image(into: Region, place: int, image: torch.Tensor) -> Region:
    images = into.examples.inputs.clone()
    images[place] = image
    return replace(into, examples=replace(into.examples, inputs=images))


def test_nothing_where_nothing_is_planted() -> None:
    found = report()
    assert found["within"]["counts"] == {} and found["splits"]["counts"] == {} and found["tasks"] == []
    assert found["images"] == 32


@pytest.mark.parametrize("way", range(8))
def test_a_turned_copy_between_support_and_query(way: int) -> None:
    x = region("x", 200)
    copied = torch.from_numpy(list(turned(x.examples.inputs[1].numpy()))[way].copy())
    found = report(x=with_image(x, 6, copied))
    assert found["within"]["counts"] == {"same or turned image": 1} and found["tasks"] == [0]
    assert "examples 1 and 6" in found["within"]["shown"][0]["what"]


def test_a_copy_saved_again_is_a_near_copy() -> None:
    x = region("x", 200)
    noise = 0.02 * torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(9))
    copied = (0.95 * x.examples.inputs[1] + 0.02 + noise).clamp(0, 1).rot90(1, (1, 2))
    assert report(x=with_image(x, 6, copied))["within"]["counts"] == {"near copy": 1}


def test_a_copy_in_another_part_of_the_split() -> None:
    found = report(t=with_image(region("t", 0), 2, region("y", 300).examples.inputs[5].flip(-1)))
    assert found["splits"]["counts"] == {"same or turned image": 1} and found["tasks"] == []
    assert found["splits"]["shown"][0] == {
        "kind": "same or turned image", "where": "train and test", "what": "t image 2 and y image 5",
    }  # fmt: skip


def test_a_shared_parent_tile() -> None:
    x = region("x", 200)
    found = report(x=replace(x, origins=("tile", "", *x.origins[2:5], "tile", "", x.origins[7])))
    assert found["within"]["counts"] == {"shared origin": 1} and found["within"]["shown"][0]["what"] == "tile"
    t = replace(region("t", 0), origins=("y 3",) * 8)
    assert report(t=t)["splits"]["counts"] == {"shared origin": 1}


def test_distances_between_support_and_query() -> None:
    near = report()["near"]
    assert near["unit"] == "m" and near["tasks"] == 2
    assert near["nearest"] == pytest.approx(np.hypot(200, 200))


def test_the_eight_ways_share_a_hash_and_other_images_do_not() -> None:
    image = picture(1).numpy()
    assert len({exact_hash(way) for way in turned(image)}) == 1
    assert exact_hash(picture(2).numpy()) != exact_hash(image)


def test_flat_images_are_not_near_copies() -> None:
    dull = prints_of(torch.full((3, 3, SIDE, SIDE), 0.3) + torch.arange(3)[:, None, None, None] * 0.01)
    assert list(copies(dull, dull)) == [(k, k, "exact") for k in range(3)]


def test_many_unrelated_images_are_told_apart() -> None:
    several = prints_of(torch.stack([picture(1000 + k) for k in range(120)]))
    assert list(copies(several.some(list(range(60))), several.some(list(range(60, 120))))) == []


def test_examples_without_a_place_are_at_no_distance() -> None:
    metres = np.array([[0.0, 0.0], [3.0, 4.0], [np.nan, np.nan]])
    assert nearest_m(metres, np.array([0, 2]))[:2].tolist() == [0, 5] and np.isnan(nearest_m(metres, np.array([0]))[2])
    assert np.isnan(nearest_m(metres, np.array([2]))).all()

"""Folds of a support: each label is left out once, every part has all classes, and a lone label stops it."""

from __future__ import annotations

import pytest
import torch

from handful.problem import UNLABELLED, Classes, Quantity
from handful.solvers.folds import folds
from handful.task import Examples

CLASSES = Classes(("a", "b", "c"))


def images(targets: list[int]) -> Examples:
    """Images whose one value is their place."""
    place = torch.arange(len(targets), dtype=torch.float32)
    return Examples(place.view(-1, 1, 1, 1), torch.tensor(targets), CLASSES, base_targets=torch.tensor(targets))


def test_each_label_is_left_out_once_and_every_part_has_all_classes() -> None:
    support = images([0, 0, 0, 1, 1, 2, 2, 2, 2, UNLABELLED])
    parts = folds(support, 5, seed=1)
    assert len(parts) == 2  # class b has two labels
    left = torch.cat([out.inputs.flatten() for _, out in parts])
    assert sorted(left.tolist()) == list(range(9))
    for kept, out in parts:
        assert bool((kept.counts() > 0).all()) and bool((out.counts() > 0).all())
        assert not set(kept.inputs.flatten().tolist()) & set(out.inputs.flatten().tolist())
        assert torch.equal(kept.targets, support.targets[kept.inputs.flatten().long()])
        assert torch.equal(kept.base_targets, kept.targets)


def test_labels_of_maps_are_left_out_pixel_by_pixel() -> None:
    maps = torch.full((2, 3, 4), float("nan"))
    maps[0, 0] = torch.arange(4.0)
    support = Examples(torch.zeros(2, 1, 3, 4), maps, Quantity("height"))
    parts = folds(support, 3, seed=0)
    assert len(parts) == 3 and all(len(kept) == len(out) == 1 for kept, out in parts)  # no label in the second map
    left = torch.cat([out.targets[out.targets.isfinite()] for _, out in parts])
    assert left.sort().values.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("targets", [[0, 0, 1, 1, 2], [0]])
def test_a_class_with_one_label_has_no_folds(targets: list[int]) -> None:
    assert folds(images(targets), 5, seed=0) == []

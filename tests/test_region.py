"""Tasks drawn from regions: exact shots, the guard distance, nothing in both sets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from handful.errors import TaskError
from handful.problem import UNLABELLED, Classes, Quantity
from handful.region import Region, draw, near
from handful.task import Examples

THREE = Classes(("water", "forest", "town"))


def region(images: int = 2, size: int = 20, known: float = 0.5) -> Region:
    """Uneven classes, a part of the pixels unlabelled."""
    rng = np.random.default_rng(0)
    targets = torch.from_numpy(rng.choice(3, (images, size, size), p=(0.8, 0.15, 0.05)))
    targets[torch.from_numpy(rng.random(targets.shape) > known)] = UNLABELLED
    return Region("here", Examples(torch.zeros(images, 2, size, size), targets, THREE))


@pytest.mark.parametrize("shots", [1, 5])
@pytest.mark.parametrize("seed", range(3))
def test_shots_are_exact_and_never_in_the_query(shots: int, seed: int) -> None:
    whole = region()
    task = whole.task(shots, seed)
    labels = task.support.targets != UNLABELLED
    assert task.support.counts().tolist() == [shots] * 3
    assert not bool((labels & (task.query.targets != UNLABELLED)).any())
    assert torch.equal(task.support.counts() + task.query.counts(), whole.examples.counts())
    assert task.shared and task.name == "here"


@pytest.mark.parametrize("guard", [1.0, 2.5, 4.0])
def test_the_guard_distance(guard: float) -> None:
    task = region().task(2, 0, guard=guard)
    for support, query, full in zip(task.support.targets, task.query.targets, region().examples.targets, strict=True):
        chosen = (support != UNLABELLED).nonzero().double()
        every = (full != UNLABELLED).nonzero()
        away = torch.cdist(every.double(), chosen).min(1).values if len(chosen) else torch.full((len(every),), 99.0)
        asked = query[every[:, 0], every[:, 1]] != UNLABELLED
        assert torch.equal(asked, away > guard)


def test_an_image_without_a_chosen_pixel_has_nothing_near() -> None:
    chosen = torch.zeros(2, 5, 5, dtype=torch.bool)
    chosen[0, 2, 2] = True
    found = near(chosen, 1.0)
    assert int(found[0].sum()) == 5 and not bool(found[1].any())


def test_the_seed_alone_draws() -> None:
    whole = region()
    same = [whole.task(3, 5).support.targets for _ in range(2)]
    assert torch.equal(*same) and not torch.equal(same[0], whole.task(3, 6).support.targets)


def test_too_few_labels() -> None:
    whole = region()
    least = int(whole.examples.counts().min())
    assert whole.can_draw(least - 1) and not whole.can_draw(least)
    with pytest.raises(TaskError, match="too few for"):
        whole.task(least, 0)


def test_images_are_rows_too() -> None:
    examples = Examples(torch.zeros(9, 2, 4, 4), torch.tensor([0, 1, 2] * 3), THREE)
    task = Region("images", examples).task(2, 0, guard=3.0)
    assert task.support.counts().tolist() == [2, 2, 2] and task.query.counts().tolist() == [1, 1, 1]


def test_a_quantity_is_drawn_as_one_group() -> None:
    targets = torch.arange(20.0)
    targets[::2] = torch.nan
    chosen = draw(Examples(torch.zeros(20, 1), targets, Quantity("height", "m")), 4, np.random.default_rng(0))
    assert int(chosen.sum()) == 4 and not bool(chosen[::2].any())

"""Tasks that learners of a bench are trained on: which classes, of which data set, under which numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from handful.bench.entries import entry_of
from handful.bench.learning import School
from handful.bench.sources import Source
from handful.data import DATASETS
from handful.data.sampling import Sampling
from handful.errors import SettingsError
from handful.problem import UNLABELLED, Classes
from handful.region import Region
from handful.task import Examples


def source(name: str, regions: list[Region], **changes: object) -> Source:
    """A data set of these regions."""
    by = {region.name: region for region in regions}
    data = replace(
        DATASETS["aid"], name=name, sites=lambda root: dict.fromkeys(by, ""), read=lambda root, site, group: by[site]
    )
    return Source(replace(data, **changes), Path(), tuple(by))


def pictures(name: str, side: int, count: int = 6) -> Region:
    """A class of images that each have a value of their own everywhere but in one corner, which tells a turn."""
    images = torch.arange(1.0, count + 1)[:, None, None, None].expand(count, 3, side, side).clone()
    images[:, :, 0, 0] = 0
    return Region(name, Examples(images, torch.zeros(count, dtype=torch.long), Classes((name,))))


def land(name: str, classes: tuple[str, ...], order: tuple[int, ...] = (0, 1, 2)) -> Region:
    """Rows whose first feature says which of water, forest and town they are; targets count in the region's order."""
    kinds = torch.arange(30) % 3
    targets = torch.tensor(order)[kinds]
    targets[-3:] = UNLABELLED
    return Region(name, Examples(kinds[:, None].float(), targets, Classes(classes)))


def school(*sources: Source, classes: bool = True, hidden: bool = True, ways: int = 2) -> School:
    return School(sources, classes, hidden, ways, None, "key")


def tasks_of(found: School, sampling: Sampling, steps: int = 40) -> list:
    usable = found.usable(sampling)
    return [task for step in range(steps) for task in found.tasks(usable, sampling, 1, 0, step)]


def test_one_name_has_one_base_target_whatever_the_order_of_a_regions_classes() -> None:
    regions = [
        land("first", ("water", "forest", "town")),
        land("second", ("town", "water", "forest"), order=(1, 2, 0)),
    ]
    found = school(source("lands", regions), classes=False)
    assert found.names == ("forest", "town", "water")
    wanted = torch.tensor([found.names.index(name) for name in ("water", "forest", "town")])
    tasks = tasks_of(found, Sampling(shots=(1, 3)))
    assert {task.name for task in tasks} == {"first", "second"}
    for task in tasks:
        for examples in (task.support, task.query):
            assert torch.equal(examples.base_targets, wanted[examples.inputs[:, 0].long()])
            assert set(examples.problem.names) == {"class 1", "class 2", "class 3"}


def test_regions_of_other_classes_count_in_the_union() -> None:
    regions = [land("first", ("water", "forest", "town")), land("second", ("rock", "ice", "town"))]
    found = school(source("lands", regions), classes=False)
    assert found.names == ("forest", "ice", "rock", "town", "water")
    seen = {int(base) for task in tasks_of(found, Sampling()) for base in task.query.base_targets}
    assert seen == set(range(5))


def test_a_task_is_of_one_data_set_and_sets_come_by_their_number_of_classes() -> None:
    large = source("large", [pictures(f"l{k}", 6) for k in range(9)])
    small = source("small", [pictures(f"s{k}", 4) for k in range(3)])
    tasks = tasks_of(school(large, small), Sampling(shots=(1, 2), queries=2), steps=200)
    of_large = [task.support.inputs.shape[-1] == 6 for task in tasks]
    assert 0.65 < np.mean(of_large) < 0.85  # 9 of 12 classes
    for task, first in zip(tasks, of_large, strict=True):
        base = torch.cat([task.support.base_targets, task.query.base_targets])
        assert bool((base < 9).all() if first else ((base >= 9) & (base < 12)).all())


def test_a_step_gives_the_same_tasks_again() -> None:
    found, sampling = (
        school(source("large", [pictures(f"l{k}", 6) for k in range(5)])),
        Sampling(shots=(1, 2), augment=("turns", "jitter=0.1")),
    )
    first, again = (tasks_of(found, sampling, steps=3) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one.support.inputs, other.support.inputs)
        assert torch.equal(one.query.inputs, other.query.inputs)


@pytest.mark.parametrize("turns", [True, False])
def test_images_are_turned_where_the_data_set_allows_it(turns: bool) -> None:
    found = school(source("set", [pictures(f"c{k}", 4) for k in range(3)], turns=turns))
    tasks = tasks_of(found, Sampling(shots=(2, 2)), steps=10)
    corners = torch.cat([task.support.inputs[:, 0, 0, 0] for task in tasks])
    assert bool((corners == 0).all()) is not turns


def test_a_set_of_too_few_classes_is_named() -> None:
    few = replace(source("few", [pictures("c", 4)]), foreign=True)
    with pytest.raises(SettingsError, match="'few' has too few sites"):
        school(few).usable(Sampling())


def test_a_training_is_another_one_with_other_sites_or_another_start() -> None:
    entry = entry_of({"name": "protonet", "train": {"steps": 1}})
    own = source("set", [pictures("a", 4), pictures("b", 4)])
    other = replace(own, foreign=True)
    assert other.regions[0].name == "set/a" and own.regions[0].name == "a"
    starts = [None, (None, {"key": "x"}), (None, {"key": "y"})]
    keys = [school(of).key_of(entry, 0, start) for of in (own, other, replace(other, sites=("a",))) for start in starts]
    assert len(set(keys)) == len(keys)

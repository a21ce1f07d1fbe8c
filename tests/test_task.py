"""Examples and tasks: what fits, and what is refused."""

from __future__ import annotations

import pytest
import torch

from handful.errors import TaskError
from handful.problem import UNLABELLED, Classes, Quantity
from handful.task import Examples, Task, each

TWO = Classes(("water", "forest"))


def images(labels: list[int], problem: Classes = TWO, size: int = 4) -> Examples:
    return Examples(torch.zeros(len(labels), 3, size, size), torch.tensor(labels), problem)


@pytest.mark.parametrize("labels", [[0, 2], [-1, 0], [-99, 1]])
def test_class_indices_out_of_range(labels: list[int]) -> None:
    with pytest.raises(TaskError, match="expected 0 to 1 .water, forest."):
        images(labels)


def test_shapes_that_dont_fit() -> None:
    with pytest.raises(TaskError, match="2 inputs but 3 targets"):
        Examples(torch.zeros(2, 3), torch.zeros(3, dtype=torch.long), TWO)
    with pytest.raises(TaskError, match="one target a pixel"):
        Examples(torch.zeros(2, 3, 5, 6), torch.zeros(2, 6, 5, dtype=torch.long), TWO)


def test_counts_of_uneven_classes() -> None:
    assert images([1, 1, UNLABELLED, 0]).counts().tolist() == [1, 2]
    assert Examples(torch.zeros(3, 2), torch.tensor([1.0, torch.nan, 2.0]), Quantity("height")).counts().tolist() == [2]


def test_joined() -> None:
    both = images([0, 1]) + images([1])
    assert both.targets.tolist() == [0, 1, 1] and len(both.inputs) == 3
    a, b = (Examples({"x": torch.full((2, 1), v)}, torch.zeros(2, dtype=torch.long), TWO) for v in (1.0, 2.0))
    assert (a + b).inputs["x"].flatten().tolist() == [1, 1, 2, 2]


def test_joined_keeps_what_pretraining_needs() -> None:
    x, y = torch.zeros(2, 3), torch.zeros(2, dtype=torch.long)
    a, b = Examples(x, y, TWO, y + 7), Examples(x.clone(), y, TWO, y + 8)
    assert (a + b).base_targets.tolist() == [7, 7, 8, 8]


def test_what_cannot_be_joined() -> None:
    one = images([0, 1])
    with pytest.raises(TaskError, match="unequal size"):
        one + images([0], size=5)
    with pytest.raises(TaskError, match="same inputs"):
        one + one
    with pytest.raises(TaskError, match="two problems"):
        one + images([0], Classes(("crop", "soil")))


def test_tasks_that_are_none() -> None:
    with pytest.raises(TaskError, match="use one problem"):
        Task(images([0, 1]), images([0], Classes(("a", "b"))))
    with pytest.raises(TaskError, match="'here'.*nothing is labelled"):
        Task(images([UNLABELLED]), images([0]), "here")
    with pytest.raises(TaskError, match="forest in the query but not in the support"):
        Task(images([0]), images([0, 1]))


def test_a_class_may_be_missing_in_the_query() -> None:
    task = Task(images([0, 1]), images([1]))
    assert not task.shared
    assert Task(task.support, Examples(task.support.inputs, torch.tensor([1, 1]), TWO)).shared


def test_each_keeps_the_modalities() -> None:
    found = each({"a": torch.ones(1), "b": torch.zeros(1)}, lambda t: t + 1)
    assert {name: float(t) for name, t in found.items()} == {"a": 2, "b": 1}

"""Average precision against answers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from handful.solvers.average_precision import Found, Truth, average_precision, judged


def square(*lefts: float) -> torch.Tensor:
    """Boxes of 10 x 10 in a row."""
    return torch.tensor([[left, 0.0, left + 10, 10] for left in lefts]).reshape(-1, 4)


def truth(*lefts: float, hard: tuple[bool, ...] = ()) -> Truth:
    return Truth(square(*lefts), torch.tensor(hard or [False] * len(lefts), dtype=torch.bool))


def found(*pairs: tuple[float, float]) -> Found:
    return Found(square(*(left for left, _ in pairs)), torch.tensor([score for _, score in pairs]))


def test_by_hand():
    """Right, wrong, right, of three: precision 1 up to recall 1/3, then 2/3 up to recall 2/3, then nothing."""
    ours = [found((0, 0.9), (500, 0.8), (100, 0.7))]
    assert average_precision(ours, [truth(0, 100, 200)]) == pytest.approx(1 / 3 + 2 / 3 / 3)


def test_a_thing_that_is_found_twice_is_wrong_once():
    assert judged(found((1, 0.5), (0, 0.9)), truth(0), 0.5).tolist() == [0, 1]


def test_hard_ones_count_neither_way():
    ours, theirs = [found((0, 0.9), (100, 0.8))], [truth(0, 100, hard=(True, False))]
    assert judged(ours[0], theirs[0], 0.5).tolist() == [-1, 1]
    assert average_precision(ours, theirs) == pytest.approx(1.0)


def test_scores_are_ranked_over_all_images():
    ours = [found((0, 0.2)), found((500, 0.9))]
    assert average_precision(ours, [truth(0), truth()]) == pytest.approx(0.5)


def test_nothing_to_find_and_nothing_found():
    nothing = Found(square(), torch.zeros(0))
    assert math.isnan(average_precision([nothing], [truth()]))
    assert average_precision([nothing], [truth(0)]) == 0


def test_how_much_must_overlap():
    ours = [found((4, 0.9))]  # 6 of 14 columns are shared
    assert average_precision(ours, [truth(0)], 0.5) == 0 and average_precision(ours, [truth(0)], 0.4) == 1

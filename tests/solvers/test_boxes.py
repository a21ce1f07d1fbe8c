"""Boxes: overlaps and suppression against brute force, coding there and back, anchors counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from handful.solvers.boxes import anchors_of, areas, clipped, decoded, encoded, overlaps, suppressed


def some(count: int, seed: int = 0, side: int = 20) -> Tensor:
    """Boxes with whole corners, so that their areas can be counted in cells."""
    generator = torch.Generator().manual_seed(seed)
    low = torch.randint(0, side - 6, (count, 2), generator=generator)
    return torch.cat([low, low + torch.randint(1, 7, (count, 2), generator=generator)], 1).float()


def cells(box: Tensor) -> set[tuple[int, int]]:
    left, top, right, bottom = (int(v) for v in box)
    return {(x, y) for x in range(left, right) for y in range(top, bottom)}


def test_overlaps_are_those_of_cells_counted_one_by_one():
    ours, theirs = some(12), some(9, 1)
    for a, row in zip(ours, overlaps(ours, theirs), strict=True):
        for b, found in zip(theirs, row, strict=True):
            assert float(found) == pytest.approx(len(cells(a) & cells(b)) / len(cells(a) | cells(b)))


def test_a_box_without_an_area_overlaps_nothing():
    flat = torch.tensor([[3.0, 3, 3, 9], [5, 5, 2, 9]])
    assert areas(flat).tolist() == [0, 0]
    assert overlaps(flat, flat).tolist() == [[0, 0], [0, 0]] and overlaps(flat, some(3)).max() == 0


def brute(boxes: Tensor, scores: Tensor, most: float, kinds: Tensor) -> list[int]:
    left, kept = sorted(range(len(scores)), key=lambda i: -float(scores[i])), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if kinds[i] != kinds[best] or float(overlaps(boxes[[i]], boxes[[best]])) <= most]
    return kept


@pytest.mark.parametrize("most", [0.0, 0.31, 0.7])
def test_suppression_is_the_greedy_one(most: float):
    boxes, scores = some(40), torch.rand(40, generator=torch.Generator().manual_seed(2))
    kinds = torch.arange(40) % 2
    assert suppressed(boxes, scores, most, kinds).tolist() == brute(boxes, scores, most, kinds)
    assert suppressed(boxes, scores, most).tolist() == brute(boxes, scores, most, torch.zeros(40))
    assert suppressed(boxes[:0], scores[:0], most).tolist() == []


def test_of_equal_scores_the_first_stays():
    assert suppressed(torch.tensor([[0.0, 0, 4, 4]] * 3), torch.ones(3), 0.5).tolist() == [0]


def test_coding_leads_there_and_back():
    anchors, boxes = some(30), some(30, 3)
    assert torch.allclose(decoded(encoded(boxes, anchors), anchors), boxes, atol=1e-5)
    assert encoded(anchors, anchors).abs().max() == 0


def test_a_shift_and_a_growth_by_hand():
    anchor, box = torch.tensor([[10.0, 10, 20, 30]]), torch.tensor([[15.0, 10, 35, 30]])
    expected = torch.tensor([[1.0, 0.0, 2.0, 1.0]])  # middle 15 -> 25 in a width of 10; width 10 -> 20
    expected[:, 2:] = expected[:, 2:].log()
    assert torch.allclose(encoded(box, anchor), expected)
    wild = decoded(torch.tensor([[0.0, 0, 500, 500]]), anchor)
    assert wild.isfinite().all() and float(wild[0, 2] - wild[0, 0]) == pytest.approx(160)


def test_anchors_by_hand():
    found = anchors_of(2, 3, 4, (4.0, 8.0), (1.0, 4.0))
    assert found.shape == (2 * 3 * 4, 4)
    assert found[0].tolist() == [0, 0, 4, 4]  # about (2, 2)
    assert found[1].tolist() == [1, -2, 3, 6]  # twice as high, half as wide
    assert found[-1].tolist() == [10 - 2, 6 - 8, 10 + 2, 6 + 8]
    sides = found[:, 2:] - found[:, :2]
    assert torch.allclose(sides.prod(1), torch.tensor([16.0, 16, 64, 64]).repeat(6))


def test_clipping():
    assert clipped(torch.tensor([[-3.0, 2, 50, 99]]), 20, 30).tolist() == [[0, 2, 30, 20]]

"""Classes and quantities: losses that mask, numbers that come back, classes that are closed."""

from __future__ import annotations

import pytest
import torch

from handful.problem import CLOSED, UNLABELLED, Classes, Prediction, Problem, Quantity

CLASSES, QUANTITY = Classes(("water", "forest", "town")), Quantity("moisture", "%")


def test_a_loss_without_labels_is_0_with_a_gradient_of_0() -> None:
    for problem, targets in ((CLASSES, torch.full((4,), UNLABELLED)), (QUANTITY, torch.full((4,), torch.nan))):
        mean = torch.randn(4, problem.outputs, requires_grad=True)
        loss = problem.loss(Prediction(mean), targets)
        loss.backward()
        assert float(loss.detach()) == 0 and torch.equal(mean.grad, torch.zeros_like(mean))


@pytest.mark.parametrize("problem", [CLASSES, QUANTITY])
def test_unlabelled_pixels_dont_count(problem: Problem) -> None:
    draw = torch.Generator().manual_seed(0)
    mean = torch.randn(2, problem.outputs, 3, 4, generator=draw)
    targets = torch.randint(0, 3, (2, 3, 4), generator=draw)
    targets = targets if problem is CLASSES else targets.float()
    keep = torch.rand(2, 3, 4, generator=draw) < 0.5
    loss = problem.loss(Prediction(mean), problem.blank(targets, keep))
    rows = Prediction(mean.movedim(1, -1)[keep])
    assert float(loss) == pytest.approx(float(problem.loss(rows, targets[keep])), rel=1e-5)


def test_variances_are_scored_by_the_normal_density() -> None:
    mean, variance, targets = torch.randn(6, 1), torch.rand(6, 1) + 0.2, torch.randn(6)
    targets[2] = torch.nan
    known = targets.isfinite()
    density = torch.distributions.Normal(mean[known, 0], variance[known, 0].sqrt()).log_prob(targets[known])
    found = QUANTITY.loss(Prediction(mean, variance), targets)
    assert float(found) == pytest.approx(-float(density.mean()), rel=1e-5)


def test_a_quantity_standardised_and_restored_is_itself() -> None:
    targets = torch.tensor([3.0, torch.nan, 9.0, 12.0])
    scaled = QUANTITY.standardise(targets)
    known = scaled[scaled.isfinite()]
    assert float(known.mean()) == pytest.approx(0, abs=1e-6) and float(known.std(correction=0)) == pytest.approx(1)
    back = QUANTITY.restore(Prediction(scaled[:, None], torch.ones(4, 1)), targets)
    torch.testing.assert_close(back.mean[:, 0], targets, equal_nan=True)
    spread = targets[targets.isfinite()].std(correction=0)
    torch.testing.assert_close(back.variance, torch.full((4, 1), float(spread) ** 2))


def test_one_label_or_equal_ones_standardise_to_0() -> None:
    for targets in (torch.tensor([7.0]), torch.tensor([7.0, 7.0, torch.nan])):
        assert QUANTITY.standardise(targets)[0] == 0
        assert QUANTITY.restore(Prediction(torch.zeros(1, 1)), targets).mean.item() == 7


def test_a_class_that_no_label_shows_is_closed() -> None:
    maps = torch.randn(2, 5, 3, 3)  # a head of fixed width
    found = CLASSES.restore(Prediction(maps), torch.tensor([0, 2, UNLABELLED])).mean
    assert found.shape == (2, 3, 3, 3) and bool((found[:, 1] == CLOSED).all())
    assert bool((found.softmax(1)[:, 1] == 0).all())
    assert torch.allclose(found[:, 0] - found[:, 2], maps[:, 0] - maps[:, 2], atol=1e-6)


def test_each_class_has_the_same_say() -> None:
    targets = torch.tensor([0, 0, 0, 1, 2, 2])
    weights = CLASSES.row_weights(targets)
    sums = torch.zeros(3).index_add(0, targets, weights)
    assert float(weights.mean()) == pytest.approx(1) and torch.allclose(sums, sums[0].expand(3))
    assert torch.equal(CLASSES.row_weights(torch.tensor([1, 1])), torch.ones(2))


def test_numbers_of_classes() -> None:
    assert CLASSES.as_numbers(torch.tensor([2])).tolist() == [[-1.0, -1.0, 1.0]]


def test_shares_of_labels_are_probabilities_of_classes_and_a_mean_of_quantities() -> None:
    shares = torch.tensor([[0.5, 0.2, 0.3], [0.0, 1.0, 0.0]])
    found = CLASSES.from_log_shares(shares.log(), torch.tensor([2, 0, 2])).exp()
    assert torch.allclose(found, torch.tensor([[0.2, 0.0, 0.8], [1.0, 0.0, 0.0]]))
    values = QUANTITY.from_log_shares(shares.log(), torch.tensor([1.0, 2.0, 3.0]))
    assert torch.allclose(values, torch.tensor([[1.8], [2.0]]))


def test_a_share_beyond_the_smallest_number_still_has_a_slope() -> None:
    scores = torch.tensor([[100.0, -100.0, 90.0]], requires_grad=True)
    found = CLASSES.from_log_shares(scores.log_softmax(1), torch.tensor([0, 1, 2]))
    CLASSES.loss(Prediction(found), torch.tensor([1])).backward()
    assert scores.grad is not None and float(scores.grad[0, 1]) == pytest.approx(-1)


@pytest.mark.parametrize("low", [-5.0, -1e6])
def test_a_class_without_a_label_is_closed_however_low_the_others_are(low: float) -> None:
    scores = torch.tensor([[low, low - 1, 3.0]])
    found = CLASSES.restore(Prediction(scores), torch.tensor([0, 1])).mean.softmax(1)
    assert torch.allclose(found, torch.cat([scores[:, :2].softmax(1), torch.zeros(1, 1)], 1))

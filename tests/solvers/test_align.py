"""Alignment of features, distances between places, the reversal of gradients, and prototypes."""

from __future__ import annotations

import pytest
import torch

from handful.solvers.adversarial import Adversaries, Draws, Reversed, rate_at, strength_at, train_adversaries
from handful.solvers.align import ALIGNMENTS, Moments, coral, frechet, power, statistics
from handful.solvers.linear import class_means
from handful.solvers.prototypes import centres, cosines, masked_average


def table(seed: int, rows: int = 400, width: int = 5) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=draw, dtype=torch.float64)
    shift = 3 * torch.randn(width, generator=draw, dtype=torch.float64)
    return torch.randn(rows, width, generator=draw, dtype=torch.float64) @ mixing + shift


def test_without_a_penalty_coral_gives_the_targets_mean_and_covariance() -> None:
    source, target = table(0), table(1)
    moved = Moments.of(coral(Moments.of(source), Moments.of(target), penalty=0)(source))
    assert torch.allclose(moved.mean, target.mean(0))
    assert torch.allclose(moved.covariance, torch.cov(target.T), rtol=1e-6)


def test_coral_is_the_papers_formula_on_standardised_features() -> None:
    source, target = (t - t.mean(0) for t in (table(0), table(1)))
    source, target = source / source.std(0), target / target.std(0)
    eye = torch.eye(5, dtype=torch.float64)
    expected = source @ power(torch.cov(source.T) + eye, -0.5) @ power(torch.cov(target.T) + eye, 0.5)
    assert torch.allclose(coral(Moments.of(source), Moments.of(target))(source), expected)


@pytest.mark.parametrize("name", ALIGNMENTS)
def test_a_place_aligned_to_itself_stays_and_units_dont_matter(name: str) -> None:
    source, target = table(0), table(1)
    own, align = Moments.of(source), ALIGNMENTS[name]
    assert torch.allclose(align(own, own)(source), source)
    moved, unit = align(own, Moments.of(target))(source), torch.tensor([1e-4, 1, 7, 1e5, 0.1], dtype=torch.float64)
    there = align(Moments.of(source * unit + 3), Moments.of(target * unit + 3))(source * unit + 3)
    assert torch.allclose((there - 3) / unit, moved, rtol=1e-6)


@pytest.mark.parametrize("name", ALIGNMENTS)
def test_features_that_dont_vary_stay_finite(name: str) -> None:
    source, target = table(0).clone(), table(1).clone()
    source[:, 0], target[:, 1], target[:, 2], source[:, 2] = 4.0, -2.0, 5.0, 5.0
    moved = ALIGNMENTS[name](Moments.of(source), Moments.of(target))(source)
    assert bool(moved.isfinite().all()) and torch.allclose(moved.mean(0), target.mean(0))
    assert torch.allclose(moved[:, 2], torch.tensor(5.0, dtype=torch.float64))
    one = ALIGNMENTS[name](Moments.of(source), Moments.of(target[:1]))(source)
    assert bool(one.isfinite().all())


def test_statistics_gives_the_targets_deviations() -> None:
    source, target = table(0), table(1)
    moved = statistics(Moments.of(source), Moments.of(target))(source)
    assert torch.allclose(moved.mean(0), target.mean(0)) and torch.allclose(moved.std(0), target.std(0))


def test_the_distance_is_in_deviations_of_a_feature() -> None:
    rows = table(0)
    one = Moments.of(rows)
    assert frechet(one, one) < 1e-3
    assert frechet(one, Moments.of(rows + 2 * rows.std(0))) == pytest.approx(2)
    # independent features: the root of the mean square of the deviations' difference
    apart = Moments(torch.zeros(3).double(), torch.diag(torch.tensor([1.0, 4.0, 9.0])).double())
    wide = Moments(torch.zeros(3).double(), torch.diag(torch.tensor([4.0, 4.0, 81.0])).double())
    assert frechet(apart, wide) == pytest.approx(((1 + 0 + 4) / 3) ** 0.5)
    still = Moments(torch.ones(1).double(), torch.zeros(1, 1).double())
    assert frechet(still, still) == 0


def test_the_reversal_turns_gradients() -> None:
    rows = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    turned = Reversed.apply(rows, 0.3)
    assert torch.equal(turned, rows)
    (turned**2).sum().backward()
    assert torch.allclose(rows.grad, -0.3 * 2 * rows.detach())


def test_schedules_are_the_papers() -> None:
    assert strength_at(0) == 0 and strength_at(1) == pytest.approx(0.99990920)
    assert rate_at(0, 0.01) == 0.01 and rate_at(1, 0.01) == pytest.approx(0.01 / 11**0.75)


def test_reversed_gradients_make_the_net_blind_to_the_domain() -> None:
    """Two domains that lie apart in the first feature; the second tells the class."""
    draw = torch.Generator().manual_seed(0)
    source, target = (torch.randn(300, 2, generator=draw) for _ in range(2))
    target[:, 0] += 2
    answers, leans, told = (source[:, 1] > 0).long(), {}, {}
    for strength in (0.0, 1.0):
        torch.manual_seed(0)
        net = Adversaries(2, 16, 2)
        loss = torch.nn.functional.cross_entropy
        train_adversaries(net, Draws(source, answers, source, target), loss, strength, 1000, 64, 0.5, 0)
        with torch.no_grad():
            leans[strength] = float(net.features[0].weight[:, 0].norm() / net.features[0].weight[:, 1].norm())
            told[strength] = float((net.domain(net.features(target)) > 0).float().mean())
            assert float((net(source).argmax(1) == answers).float().mean()) > 0.9
    assert leans[1.0] < 0.7 * leans[0.0] and told[1.0] < 0.7 < told[0.0]


def test_masked_averages_are_means_over_images_not_pixels() -> None:
    features = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.zeros(2, 4, 4, dtype=torch.long)
    targets[0, 0], targets[1, :3], targets[1, 3] = 1, 1, -100
    found = masked_average(features, targets, 3)
    expected = (features[0, :, 0].mean(1) + features[1, :, :3].mean((1, 2))) / 2
    assert torch.allclose(found[1], expected, atol=1e-6)
    assert torch.allclose(found[0], features[0, :, 1:].mean((1, 2)), atol=1e-6)  # the other image shows none of it
    assert torch.equal(found[2], torch.zeros(3))
    rows, labels = features[0].flatten(1).T, torch.arange(16) % 3
    assert torch.allclose(masked_average(rows, labels, 3), class_means(rows, labels, 3), atol=1e-6)
    assert cosines(rows, torch.zeros(1, 3)).abs().max() == 0


def test_k_means_finds_what_is_apart_and_is_fixed_there() -> None:
    draw = torch.Generator().manual_seed(1)
    places = torch.tensor([[0.0, 9.0], [9.0, 0.0], [-9.0, -9.0]])
    rows = places.repeat_interleave(20, 0) + 0.1 * torch.randn(60, 2, generator=draw)
    found = centres(rows, 3, 20, seed=3)
    assert len(found) == len(torch.unique(torch.cdist(found, places).argmin(1)))
    assert torch.allclose(centres(rows, 1, 2, 0)[0], rows.mean(0), atol=1e-5)
    assert torch.equal(centres(rows, 3, 20, 3), found) and len(centres(rows[:2], 5, 3, 0)) == 2

import numpy as np
import pytest
from scipy.stats import binomtest

from handful.trust.intervals import balanced_accuracy_interval, balanced_difference_interval, rmse_interval


def grouped(rng, chances, groups_a_class, size):
    """Labels in groups that are wholly right or wholly wrong."""
    targets = np.repeat(np.arange(len(chances)), groups_a_class * size)
    groups = np.repeat(np.arange(len(chances) * groups_a_class), size)
    right = np.repeat(rng.random(len(chances) * groups_a_class) < np.repeat(chances, groups_a_class), size)
    return targets, right, groups


@pytest.mark.parametrize(("groups_a_class", "size"), [(5, 1), (20, 1), (10, 6)])
def test_balanced_accuracy_is_covered(groups_a_class, size):
    rng, chances, covered = np.random.default_rng(0), np.array([0.95, 0.8, 0.6]), 0
    for _ in range(300):
        mean, low, high, _ = balanced_accuracy_interval(*grouped(rng, chances, groups_a_class, size))
        covered += low <= chances.mean() <= high
        assert 0 <= low <= mean <= high <= 1
    assert covered / 300 > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("groups_a_class", [3, 5, 20, 100])
@pytest.mark.parametrize("chances", [(0.95, 0.8, 0.6), (1.0, 0.7), (0.9,) * 8])
def test_balanced_accuracy_is_covered_closely(groups_a_class, chances):
    rng, chances, covered = np.random.default_rng(1), np.array(chances), 0
    for _ in range(2000):
        _, low, high, _ = balanced_accuracy_interval(*grouped(rng, chances, groups_a_class, 1))
        covered += low <= chances.mean() <= high
    assert covered / 2000 > 0.93


@pytest.mark.slow
def test_uneven_classes_are_covered():
    rng, chances, counts = np.random.default_rng(5), np.array([0.9, 0.7, 0.95, 0.8]), [3, 8, 30, 200]
    targets = np.repeat(np.arange(4), counts)
    covered = [0, 0]
    for _ in range(2000):
        ours, theirs = rng.random((2, len(targets))) < chances[targets] - np.array([[0.0], [0.2]])
        each = np.arange(len(targets))
        one, both = (
            balanced_accuracy_interval(targets, ours, each),
            balanced_difference_interval(targets, ours, theirs, each),
        )
        covered[0] += one.low <= chances.mean() <= one.high
        covered[1] += both.low <= 0.2 <= both.high
    assert min(covered) / 2000 > 0.92


def test_one_class_is_wilsons_interval():
    targets, right = np.zeros(20, int), np.arange(20) < 17
    found = balanced_accuracy_interval(targets, right, np.arange(20))
    assert found[:3] == pytest.approx((0.85, *binomtest(17, 20).proportion_ci(method="wilson")))


def test_a_perfect_score_on_few_labels_is_not_certain():
    targets = np.repeat([0, 1], 3)
    mean, low, high, groups = balanced_accuracy_interval(targets, np.ones(6, bool), np.arange(6))
    assert mean == high == 1 and low < 0.7 and groups == 6


def test_pixels_of_one_polygon_count_as_little_as_they_tell():
    rng = np.random.default_rng(2)
    targets, right, groups = grouped(rng, np.array([0.7, 0.7]), 10, 50)
    one = balanced_accuracy_interval(targets, right, groups)
    each = balanced_accuracy_interval(targets[::50], right[::50], groups[::50])
    assert one.high - one.low == pytest.approx(each.high - each.low, rel=0.1)
    alone = balanced_accuracy_interval(targets, right, np.arange(len(targets)))
    assert alone.high - alone.low < (one.high - one.low) / 3


@pytest.mark.parametrize("count", [6, 20])
def test_a_difference_is_covered(count):
    rng, covered = np.random.default_rng(3), 0
    targets = np.repeat([0, 1, 2], count)
    for _ in range(300):
        ours, theirs = rng.random(len(targets)) < 0.9, rng.random(len(targets)) < 0.75
        _, low, high, _ = balanced_difference_interval(targets, ours, theirs, np.arange(len(targets)))
        covered += low <= 0.15 <= high
    assert covered / 300 > 0.9


def test_equal_models_differ_by_nothing_but_not_certainly():
    targets = np.repeat([0, 1], 4)
    right = np.array([1, 0, 1, 1, 1, 1, 0, 1], bool)
    mean, low, high, _ = balanced_difference_interval(targets, right, right, np.arange(8))
    assert mean == 0 and low < -0.05 and high == pytest.approx(-low)
    swapped = balanced_difference_interval(targets, ~right, right, np.arange(8))
    back = balanced_difference_interval(targets, right, ~right, np.arange(8))
    assert swapped.mean == -back.mean and swapped.low == pytest.approx(-back.high)


def test_rmse_is_covered():
    rng, covered = np.random.default_rng(4), 0
    for _ in range(300):
        _, low, high, _ = rmse_interval(rng.normal(0, 2, 40), np.zeros(40), np.arange(40))
        covered += low <= 2 <= high
    assert covered / 300 > 0.88
    assert rmse_interval(np.ones(4), np.zeros(4), np.arange(4))[1:3] == (None, None)


def test_nothing_was_judged():
    nothing = np.empty(0, int)
    assert balanced_accuracy_interval(nothing, nothing, nothing)[1:] == (None, None, 0)

import numpy as np
import pytest
from scipy.stats import t

from handful.bench.statistics import interval, paired_interval, region_means


def coverage(draw, mean, repetitions):
    covered = 0
    for repetition in range(repetitions):
        found = interval(draw(), seed=repetition)
        covered += found.low <= mean <= found.high
    return covered / repetitions


def test_draws_of_one_region_count_as_one():
    means = region_means(["a", "a", "b"], [0.5, 0.7, 0.9])
    assert means == {"a": pytest.approx(0.6), "b": 0.9}


def test_none_below_five_regions():
    assert interval([0.1, 0.2, 0.3, 0.4])[1:] == (None, None, 4)
    assert np.isnan(interval([]).mean)


def test_student_below_thirty():
    values = np.random.default_rng(0).normal(size=12)
    low, high = t.interval(0.95, 11, values.mean(), values.std(ddof=1) / np.sqrt(12))
    assert interval(values) == (pytest.approx(values.mean()), pytest.approx(low), pytest.approx(high), 12)


def test_student_covers():
    rng = np.random.default_rng(1)
    assert 0.91 < coverage(lambda: rng.normal(0.7, 0.1, 8), 0.7, 300) < 0.985


def test_the_bootstrap_follows_a_skewed_distribution():
    rng = np.random.default_rng(2)
    values = rng.lognormal(0, 1, 60)
    found = interval(values)
    assert found.high - found.mean > found.mean - found.low
    assert coverage(lambda: rng.lognormal(0, 1, 40), np.exp(0.5), 300) > 0.88
    assert coverage(lambda: rng.normal(size=40), 0, 300) > 0.91


@pytest.mark.slow
@pytest.mark.parametrize("count", [5, 20, 30, 100])
def test_accuracies_of_regions_are_covered_closely(count):
    rng = np.random.default_rng(3)
    assert 0.92 < coverage(lambda: rng.beta(8, 2, count), 0.8, 2000) < 0.97


def test_pairing_takes_what_regions_share():
    rng = np.random.default_rng(4)
    hard = {f"region {i}": rng.normal(0.6, 0.2) for i in range(20)}
    better = {name: value + 0.02 for name, value in hard.items()} | {"elsewhere": 0.0}
    found = paired_interval(better, hard)
    assert found.units == 20
    assert found[:3] == pytest.approx((0.02, 0.02, 0.02))


def test_the_same_seed_gives_the_same_interval_and_equal_regions_a_point():
    values = np.random.default_rng(5).beta(8, 2, 50)
    assert interval(values, seed=1) == interval(values, seed=1)
    assert interval([0.5] * 40) == (0.5, 0.5, 0.5, 40)

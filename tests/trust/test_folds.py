import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from handful.trust.folds import block_folds, matched_folds, random_folds

EXTENT = 10_000.0


def spread(rng, count):
    return rng.uniform(0, EXTENT, (count, 2))


def clustered(rng, count, clusters=5):
    return rng.uniform(1500, EXTENT - 1500, (clusters, 2))[np.arange(count) % clusters] + rng.normal(0, 100, (count, 2))


def whole_map(rng):
    return spread(rng, 1000)


def every_kind(metres, targets, groups, pixels, folds=5, seed=0):
    yield random_folds(targets, groups, folds, seed, metres=metres, map_metres=pixels)
    yield block_folds(metres, targets, groups, folds, seed, map_metres=pixels)
    yield matched_folds(metres, targets, groups, pixels, folds, seed)


@st.composite
def labels(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    counts = draw(st.lists(st.integers(1, 12), min_size=1, max_size=5))
    targets = np.repeat(np.arange(len(counts)), counts)
    mixed = draw(st.booleans())  # groups that hold several classes
    groups = rng.integers(0, max(1, len(targets) // 2), len(targets)) + (0 if mixed else 1000 * targets)
    metres = draw(st.sampled_from([spread, clustered]))(rng, len(targets))
    return metres, targets, groups, spread(rng, 50), draw(st.integers(2, 10)), draw(st.integers(0, 5))


@settings(max_examples=60, deadline=None)
@given(labels())
def test_every_training_part_keeps_every_class_and_no_group_is_parted(drawn):
    metres, targets, groups, pixels, folds, seed = drawn
    for kind in every_kind(metres, targets, groups, pixels, folds, seed):
        for group in np.unique(groups):
            assert len(set(kind.fold[groups == group])) == 1
        seen = np.zeros(len(targets), dtype=int)
        for training, judged in kind.splits():
            assert set(targets[training]) == set(targets)
            assert not set(groups[training]) & set(groups[judged])
            seen[judged] += 1
        assert (seen == kind.judged).all()
        for c in np.unique(targets):
            if len(set(groups[targets == c])) == 1:
                assert not kind.judged[targets == c].any()
        if all(len(set(targets[groups == g])) == 1 for g in groups):  # then all that can be judged is
            for c in np.unique(targets):
                assert kind.judged[targets == c].all() == (len(set(groups[targets == c])) > 1)


@settings(max_examples=30, deadline=None)
@given(labels(), st.randoms(use_true_random=False))
def test_folds_do_not_depend_on_the_order_of_labels(drawn, random):
    metres, targets, groups, pixels, folds, seed = drawn
    order = np.array(random.sample(range(len(targets)), len(targets)))
    first = every_kind(metres, targets, groups, pixels, folds, seed)
    second = every_kind(metres[order], targets[order], groups[order], pixels, folds, seed)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.fold[order], other.fold)
        np.testing.assert_array_equal(one.places[order], other.places)


def test_spread_labels_give_folds_like_random_ones():
    rng = np.random.default_rng(1)
    metres, targets, groups = spread(rng, 120), rng.integers(0, 3, 120), np.arange(120)
    pixels = whole_map(rng)
    matched = matched_folds(metres, targets, groups, pixels)
    random = random_folds(targets, groups, metres=metres, map_metres=pixels)
    assert matched.difference_m <= random.difference_m
    assert matched.median_distance_m < 2 * random.median_distance_m
    assert not matched.cannot_judge


def test_clustered_labels_give_folds_of_whole_clusters():
    rng = np.random.default_rng(2)
    metres, targets, groups = clustered(rng, 100), np.arange(100) // 5 % 3, np.arange(100)
    pixels = whole_map(rng)
    matched = matched_folds(metres, targets, groups, pixels)
    random = random_folds(targets, groups, metres=metres, map_metres=pixels)
    assert all(len(set(matched.fold[np.arange(100) % 5 == cluster])) == 1 for cluster in range(5))
    assert len(set(zip(matched.places, np.arange(100) % 5, strict=True))) == len(set(matched.places))
    assert matched.median_distance_m > 5 * random.median_distance_m
    assert matched.difference_m < random.difference_m / 2
    assert any("far from labels" in sentence for sentence in random.cannot_judge)


def test_the_difference_is_the_wasserstein_distance_of_nearest_neighbours():
    rng = np.random.default_rng(3)
    metres, targets = spread(rng, 40), rng.integers(0, 2, 40)
    pixels = spread(rng, 200)
    matched = matched_folds(metres, targets, np.arange(40), pixels)
    between = np.linalg.norm(metres[:, None] - metres[None], axis=2)
    between[matched.fold[:, None] == matched.fold[None]] = np.inf
    wanted = np.linalg.norm(pixels[:, None] - metres[None], axis=2).min(1)
    assert matched.difference_m == pytest.approx(wasserstein_distance(between.min(1), wanted))
    assert matched.median_distance_m == pytest.approx(np.median(between.min(1)))
    assert matched.map_distance_m == pytest.approx(np.median(wanted))


def test_classes_are_spread_over_random_folds():
    targets = np.repeat([0, 1, 2], [50, 10, 5])
    fold = random_folds(targets, np.arange(65)).fold
    table = np.array([np.bincount(fold[targets == c], minlength=5) for c in range(3)])
    np.testing.assert_array_equal(table, [[10] * 5, [2] * 5, [1] * 5])


def test_a_class_with_one_label_stays_in_training_and_is_said():
    targets = np.array([0, 0, 0, 1, 1, 1, 2])
    folds = random_folds(targets, np.arange(7), names=("water", "forest", "snow"))
    assert folds.fold[-1] == -1 and folds.judged[:-1].all()
    assert any("not judged: snow" in sentence for sentence in folds.cannot_judge)
    assert any("water (3), forest (3)" in sentence for sentence in folds.cannot_judge)


@pytest.mark.parametrize("count", [1, 3])
def test_nothing_to_judge(count):
    for folds in every_kind(np.zeros((count, 2)), np.arange(count), np.arange(count), np.ones((4, 2))):
        assert len(folds) == 0 and list(folds.splits()) == []
        assert "can't be judged" in folds.cannot_judge[0]


def test_a_class_in_one_place_is_cut_rather_than_lost():
    rng = np.random.default_rng(4)
    metres, targets = clustered(rng, 60, 3), np.arange(60) % 3  # each class a cluster of its own
    folds = matched_folds(metres, targets, np.arange(60), whole_map(rng))
    for c in range(3):
        assert len(set(folds.fold[targets == c])) >= 2
    assert folds.judged.all()


def test_a_quantity_is_spread_over_folds():
    rng = np.random.default_rng(5)
    values, metres = rng.normal(size=100), spread(rng, 100)
    for folds in every_kind(metres, values, np.arange(100), whole_map(rng)):
        assert len(folds) == 5 and folds.judged.all()
    fold = random_folds(values, np.arange(100)).fold
    assert max(abs(values[fold == f].mean()) for f in range(5)) < 0.4


def test_labels_on_one_spot_or_one_line():
    targets = np.arange(20) % 2
    line = np.stack([np.arange(20.0), np.zeros(20)], 1)
    for metres in (np.zeros((20, 2)), line):
        for folds in every_kind(metres, targets, np.arange(20), line + 3):
            assert set(folds.fold) <= set(range(5)) and len(folds) >= 2


def test_many_labels_are_quick():
    rng = np.random.default_rng(6)
    metres, targets = spread(rng, 30_000), rng.choice(4, 30_000, p=[0.7, 0.2, 0.099, 0.001])
    for groups in (np.arange(30_000) // 100, np.arange(30_000)):
        folds = matched_folds(metres, targets, groups, whole_map(rng))
        assert len(folds) == 5 and folds.judged.all()
        for training, _ in folds.splits():
            assert set(targets[training]) == {0, 1, 2, 3}

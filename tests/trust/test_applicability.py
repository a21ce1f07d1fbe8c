import time

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from handful.trust.applicability import fit_applicability, importance


@pytest.fixture
def labelled():
    rng = np.random.default_rng(0)
    return rng.normal(3, [1, 10, 0.1], (60, 3)), np.arange(60) % 5


def test_the_definition(labelled):
    rows, fold = labelled
    area = fit_applicability(rows, fold)
    scaled = (rows - rows.mean(0)) / rows.std(0)
    assert area.average_distance == pytest.approx(pdist(scaled).mean(), rel=1e-5)
    apart = np.where(fold[:, None] != fold[None], cdist(scaled, scaled), np.inf).min(1) / pdist(scaled).mean()
    low, high = np.quantile(apart, [0.25, 0.75])
    assert area.threshold == pytest.approx(min(apart.max(), high + 1.5 * (high - low)), rel=1e-4)
    new = np.random.default_rng(1).normal(3, [1, 10, 0.1], (500, 3))
    expected = cdist((new - rows.mean(0)) / rows.std(0), scaled).min(1) / pdist(scaled).mean()
    np.testing.assert_allclose(area.dissimilarity(new), expected, rtol=1e-4)


def test_a_label_itself_is_at_zero_and_far_away_is_outside(labelled):
    rows, fold = labelled
    area = fit_applicability(rows, fold)
    assert (area.dissimilarity(rows) == 0).all() and area.inside(rows).all()
    assert not area.inside(rows + 100 * rows.std(0)).any()
    assert area.dissimilarity(rows[:0]).shape == (0,)


def test_features_units_and_constants_do_not_matter(labelled):
    rows, fold = labelled
    new = np.random.default_rng(1).normal(3, [1, 10, 0.1], (100, 3))
    one = fit_applicability(rows, fold)
    constant = np.full((60, 1), 7.0)
    other = fit_applicability(np.hstack([rows * [1000, 1, 1] + 5, constant]), fold)
    moved = np.hstack([new * [1000, 1, 1] + 5, np.full((100, 1), 8.0)])
    np.testing.assert_allclose(one.dissimilarity(new), other.dissimilarity(moved), rtol=1e-3)
    assert one.threshold == pytest.approx(other.threshold, rel=1e-3)


def test_a_feature_without_weight_is_ignored(labelled):
    rows, fold = labelled
    area = fit_applicability(rows, fold, np.array([1.0, 0.0, 2.0]))
    moved = rows + np.array([0, 1000, 0])
    assert (area.dissimilarity(moved) < 1e-3).all()


def test_chunks_do_not_change_the_answer(labelled, monkeypatch):
    rows, fold = labelled
    area, new = fit_applicability(rows, fold), np.random.default_rng(2).normal(3, 2, (1000, 3))
    whole = area.dissimilarity(new)
    monkeypatch.setattr("handful.trust.applicability.CHUNK", 7)
    np.testing.assert_allclose(area.dissimilarity(new), whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("fold", [[-1, -1, -1], [0, 0, 0], [0, 1, -1]])
def test_few_labels_and_unjudged_ones(fold):
    rows = np.array([[0.0, 0], [1, 0], [0, 2]])
    area = fit_applicability(rows, np.array(fold))
    assert np.isfinite(area.threshold) and area.threshold > 0
    assert area.inside(rows).all()


def test_identical_labels_leave_only_themselves_inside():
    area = fit_applicability(np.ones((4, 2)), np.array([0, 0, 1, 1]))
    assert area.inside(np.ones((2, 2))).all()


def test_only_so_many_labels_are_kept():
    rows = np.random.default_rng(0).normal(size=(2000, 5))
    area = fit_applicability(rows, np.arange(2000) % 5)
    assert area.rows.shape == (500, 5) and area.rows.dtype == np.float32


def test_a_block_is_quick():
    rng = np.random.default_rng(0)
    area = fit_applicability(rng.normal(size=(500, 100)), np.arange(500) % 5)
    block = rng.normal(size=(65_536, 100)).astype(np.float32)
    start = time.process_time()
    area.inside(block)
    assert time.process_time() - start < 3  # about 0.4 s on one core; loose for a busy machine


def test_importance_finds_the_feature_that_tells_classes_apart():
    rng = np.random.default_rng(0)
    targets = np.arange(400) % 4
    rows = rng.normal(size=(400, 3))
    rows[:, 1] += 3 * targets
    weights = importance(rows, targets)
    assert weights.mean() == pytest.approx(1)
    assert weights[1] > 2 and weights[[0, 2]].max() < 0.5
    values = rows[:, 1] + 0.1 * rng.normal(size=400)
    assert importance(rows, values).argmax() == 1


def test_few_labels_weigh_features_nearly_evenly():
    rng = np.random.default_rng(0)
    targets = np.array([0, 0, 1, 1])
    rows = rng.normal(size=(4, 3)) + np.outer(targets, [0, 20, 0])
    assert np.abs(importance(rows, targets) - 1).max() < 0.3
    assert (importance(rows[1:3], np.array([0, 1])) == 1).all()
    assert (importance(np.zeros((6, 2)), np.arange(6) % 2) == 1).all()

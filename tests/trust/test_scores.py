import numpy as np
import pytest
from sklearn import metrics

from handful.trust.scores import (
    accuracy,
    balanced_accuracy,
    brier,
    class_weights,
    confusion,
    ece,
    kappa,
    macro_f1,
    nll,
    r2,
    recalls,
    rmse,
)


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    targets = rng.choice(4, 300, p=[0.5, 0.3, 0.15, 0.05])
    probabilities = rng.dirichlet(np.ones(4), 300) * 0.7 + 0.3 * np.eye(4)[targets]
    return targets, probabilities


def test_class_scores_agree_with_scikit_learn(drawn):
    targets, probabilities = drawn
    predicted = probabilities.argmax(1)
    table = confusion(targets, predicted, 4)
    np.testing.assert_array_equal(table, metrics.confusion_matrix(targets, predicted))
    assert accuracy(table) == pytest.approx(metrics.accuracy_score(targets, predicted))
    assert balanced_accuracy(table) == pytest.approx(metrics.balanced_accuracy_score(targets, predicted))
    assert kappa(table) == pytest.approx(metrics.cohen_kappa_score(targets, predicted))
    assert macro_f1(table) == pytest.approx(metrics.f1_score(targets, predicted, average="macro"))
    assert nll(targets, np.log(probabilities)) == pytest.approx(metrics.log_loss(targets, probabilities))
    brier_binary = brier((targets == 0).astype(int), np.stack([1 - probabilities[:, 0], probabilities[:, 0]], 1))
    assert brier_binary == pytest.approx(2 * metrics.brier_score_loss(targets == 0, probabilities[:, 0]))


def test_quantity_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(1)
    targets = rng.normal(size=50)
    predicted = targets + rng.normal(size=50)
    assert r2(targets, predicted) == pytest.approx(metrics.r2_score(targets, predicted))
    assert rmse(targets, predicted) == pytest.approx(metrics.root_mean_squared_error(targets, predicted))


def test_a_class_without_labels_or_predictions():
    table = confusion(np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1]), 4)  # 2 is predicted, 3 is nowhere
    assert np.isnan(recalls(table)[2:]).all()
    assert balanced_accuracy(table) == 0.75
    assert macro_f1(table) == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_class_weighted_accuracy_is_balanced_accuracy(drawn):
    targets, probabilities = drawn
    predicted = probabilities.argmax(1)
    weighted = class_weights(targets) @ (predicted == targets)
    assert weighted == pytest.approx(balanced_accuracy(confusion(targets, predicted, 4)))


def test_ece_of_a_calibrated_model_is_near_zero_and_of_a_sure_one_its_error_rate():
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.5, 1, 200_000)
    right = rng.random(200_000) < confidence
    assert ece(confidence, right) < 0.005
    assert ece(np.ones(200_000), right) == pytest.approx(1 - right.mean())
    assert ece(np.clip(confidence + 0.1, 0, None), right) == pytest.approx(0.1, abs=0.005)


def test_ece_bins_hold_equal_mass_and_ignore_order():
    confidence = np.linspace(0.1, 0.9, 30)
    right = np.arange(30) % 2 == 0
    pairs = np.abs((right - confidence).reshape(15, 2).sum(1)).sum() / 30  # two rows a bin
    assert ece(confidence, right) == pytest.approx(pairs)
    shuffled = np.random.default_rng(0).permutation(30)
    assert ece(confidence[shuffled], right[shuffled]) == pytest.approx(pairs)
    twice = ece(np.repeat(confidence, 2), np.repeat(right, 2))
    assert ece(confidence, right, np.full(30, 2.0)) == pytest.approx(twice)

import numpy as np
import pytest
from scipy.special import log_softmax

from handful.trust.calibration import (
    adjust_prior,
    cross_calibrated,
    effective_weights,
    estimate_prior,
    fit_calibration,
    fit_quantity_calibration,
)
from handful.trust.scores import class_weights, ece


def simulate(count, shares, sharpness=2.0, seed=0):
    """Targets and their true log-probabilities, for Gaussian features of unit spread around each class's corner."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(len(shares), count, p=shares)
    features = sharpness * np.eye(len(shares))[targets] + rng.normal(size=(count, len(shares)))
    return targets, log_softmax(sharpness * features + np.log(shares), axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_known_temperature_is_recovered(temperature):
    targets, true = simulate(20_000, [0.25] * 4)
    calibration = fit_calibration(true * temperature, targets)
    assert calibration.temperature == pytest.approx(temperature, rel=0.08)
    np.testing.assert_allclose(
        calibration.apply(true * temperature), log_softmax(true * temperature / calibration.temperature, axis=1)
    )


def test_calibration_mends_the_expected_calibration_error_and_keeps_decisions():
    targets, true = simulate(20_000, [0.25] * 4)
    sure = log_softmax(true * 3, axis=1)
    mended = fit_calibration(sure, targets).apply(sure)
    right = sure.argmax(1) == targets
    assert ece(np.exp(sure).max(1), right) > 0.08
    assert ece(np.exp(mended).max(1), right) < 0.02
    np.testing.assert_array_equal(mended.argmax(1), sure.argmax(1))
    np.testing.assert_allclose(np.exp(mended).sum(1), 1)


def test_few_labels_move_the_temperature_little():
    targets, true = simulate(4000, [0.5, 0.5])
    temperatures = [fit_calibration(true[:m] * 4, targets[:m]).temperature for m in (0, 4, 4000)]
    assert temperatures[0] == 1.0
    assert abs(np.log(temperatures[1])) < 0.7
    assert np.log(temperatures[2]) > 1.2
    perfect = np.log([[0.99, 0.01], [0.01, 0.99]])  # all right: the likelihood alone would run to T = 0
    assert 0.3 < fit_calibration(perfect, np.array([0, 1])).temperature < 1


def test_one_wrong_label_does_not_drive_the_temperature():
    scores = np.log(np.tile([[0.95, 0.05], [0.05, 0.95]], (10, 1)))
    targets = np.arange(20) % 2
    scores[0] = np.log([1e-12, 1 - 1e-12])  # sure, and the label says otherwise
    assert fit_calibration(scores, targets).temperature < 1.5


def test_repeating_a_polygons_pixels_changes_nothing():
    targets, true = simulate(30, [0.5, 0.5])
    once = fit_calibration(true, targets, np.arange(30)).temperature
    again = np.repeat(np.arange(30), np.random.default_rng(0).integers(1, 40, 30))
    assert fit_calibration(true[again], targets[again], again).temperature == pytest.approx(once, abs=1e-5)


def test_effective_weights():
    assert effective_weights(np.array([0, 0, 1, 1])).sum() == pytest.approx(4)
    weights = effective_weights(np.array([0] * 90 + [1] * 10))
    assert weights[:90].sum() == pytest.approx(weights[90:].sum())
    assert weights.sum() == pytest.approx(1 / (0.25 / 90 + 0.25 / 10))


def test_cross_calibration_uses_other_folds_only():
    targets, true = simulate(200, [0.5, 0.5])
    fold = np.arange(200) % 2
    calibrated = cross_calibrated(true * 2, targets, fold)
    expected = fit_calibration(true[1::2] * 2, targets[1::2]).apply(true[::2] * 2)
    np.testing.assert_allclose(calibrated[::2], expected)


def test_a_new_prior_and_back():
    _, true = simulate(100, [0.2, 0.3, 0.5])
    old, new = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.3, 0.1])
    np.testing.assert_allclose(adjust_prior(adjust_prior(true, old, new), new, old), true, atol=1e-10)


def test_bayes_rule_for_a_new_prior():
    rng = np.random.default_rng(0)
    likelihood = rng.random((10, 3))
    old, new = np.array([1, 1, 1]) / 3, np.array([0.7, 0.2, 0.1])
    given = log_softmax(np.log(likelihood * old), axis=1)
    expected = likelihood * new / (likelihood * new).sum(1, keepdims=True)
    np.testing.assert_allclose(np.exp(adjust_prior(given, old, new)), expected)
    assert np.exp(adjust_prior(given, old, np.array([0.5, 0.5, 0])))[:, 2].max() == 0


def test_a_shifted_prior_is_recovered():
    true_shares, equal = np.array([0.7, 0.2, 0.1]), np.full(3, 1 / 3)
    _, known = simulate(20_000, true_shares)
    balanced = adjust_prior(known, true_shares, equal)  # what a model trained on balanced labels says
    np.testing.assert_allclose(estimate_prior(balanced, equal, strength=0), true_shares, atol=0.02)
    drawn = estimate_prior(balanced, equal, strength=0.1)
    assert drawn.sum() == pytest.approx(1)
    np.testing.assert_allclose(drawn, true_shares, atol=0.08)
    assert (np.abs(drawn - equal) < np.abs(true_shares - equal)).all()


def test_the_dirichlet_prior_keeps_a_class_that_the_model_never_finds():
    scores = np.log(np.tile([0.98, 0.01, 0.01], (100, 1)))
    assert estimate_prior(scores, np.full(3, 1 / 3), strength=0)[1] < 0.001
    assert estimate_prior(scores, np.full(3, 1 / 3), strength=0.1)[1] >= 0.1 / 1.1 / 3


def test_confidence_of_a_quantity_is_the_share_of_small_errors():
    rng = np.random.default_rng(3)
    spread = rng.uniform(0.2, 3, 20_000)
    targets = rng.normal(10, 5, 20_000)
    predicted = targets + 2 * spread * rng.normal(size=20_000)  # errors are twice what the model says
    calibration = fit_quantity_calibration(predicted, targets, spread)
    assert calibration.scale == pytest.approx(2, rel=0.02)
    confidence, small = calibration.confidence(spread), np.abs(predicted - targets) <= calibration.tolerance
    assert ece(confidence, small) < 0.015
    assert (np.diff(confidence[np.argsort(spread)]) <= 0).all()
    covered = np.abs(predicted - targets) <= calibration.half_width(spread, 0.9)
    assert covered.mean() == pytest.approx(0.9, abs=0.01)


def test_confidence_without_spreads_is_that_of_one_standard_deviation():
    rng = np.random.default_rng(4)
    targets = rng.normal(size=5000)
    calibration = fit_quantity_calibration(np.zeros(5000), targets)
    assert calibration.confidence(np.ones(3)) == pytest.approx(0.683, abs=0.005)
    assert calibration.tolerance == pytest.approx(1, rel=0.05)


def test_class_weights_are_used():
    """Where one class is calibrated and another is not, a balanced fit doesn't depend on how many labels each has."""
    targets, true = simulate(6000, [0.5, 0.5])
    keep = (targets == 0) | (np.arange(6000) % 10 == 0)
    assert class_weights(targets[keep])[targets[keep] == 1].sum() == pytest.approx(0.5)
    full, thinned = fit_calibration(true * 2, targets), fit_calibration(true[keep] * 2, targets[keep])
    assert thinned.temperature == pytest.approx(full.temperature, rel=0.15)


def test_without_labels_the_usual_temperature_stands_and_many_labels_outweigh_it() -> None:
    rng = np.random.default_rng(3)
    true = log_softmax(rng.normal(0, 2, (4000, 3)), axis=1)
    targets = np.array([rng.choice(3, p=row) for row in np.exp(true)])
    assert fit_calibration(true[:0], targets[:0], usual=0.5).temperature == 0.5
    few, many = (fit_calibration(true[:m], targets[:m], usual=0.5).temperature for m in (6, 4000))
    assert abs(few - 0.5) < abs(few - 1.0) and many == pytest.approx(1.0, abs=0.08)

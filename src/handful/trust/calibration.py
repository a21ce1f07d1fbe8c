"""Probabilities that mean what they say: temperature, class shares, and how sure to be of a quantity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp
from scipy.stats import t as student

from .scores import class_weights

LOG_SD = 0.3  # standard deviation of the prior on log(temperature): 95 % between 0.55 and 1.8 times the usual one
WRONG = 0.01  # share of labels that are taken as wrong, so that one of them can't drive the temperature
LOG_LIMIT = 4.0  # |log(temperature)| never goes beyond


@dataclass(frozen=True)
class Calibration:
    """Log-probabilities divided by a temperature: above 1 the model was too sure, below 1 not sure enough."""

    temperature: float = 1.0

    def apply(self, log_probabilities: np.ndarray, axis: int = 1) -> np.ndarray:
        """Calibrated log-probabilities (rows, classes), classes along `axis`. The order of classes stays."""
        return torch.from_numpy(log_probabilities / self.temperature).log_softmax(axis).numpy()


def fit_calibration(
    log_probabilities: np.ndarray, targets: np.ndarray, groups: np.ndarray | None = None, usual: float = 1.0
) -> Calibration:
    """The temperature that fits out-of-fold scores best, drawn towards the usual one where labels are few.

    log_probabilities  (m, classes) of labels by models that were fitted without them
    targets            (m,) class indices
    groups             (m,) ids of polygons, or better the `places` of the folds: the labels of a class in one count
                       as one, so that clustered labels don't pass for many
    usual              the temperature of such scores elsewhere: the middle of the prior, with LOG_SD on its logarithm

    Every class weighs the same. The weights sum to the effective number of labels, so a handful moves the temperature
    little and hundreds outweigh the prior: the posterior's mode. A label is wrong with the probability WRONG, so no
    label counts without bound. Guo et al. 2017 (arXiv 1706.04599).
    """
    if not len(targets):
        return Calibration(usual)
    weights = effective_weights(targets, groups)
    rows = np.arange(len(targets))

    def cost(log_temperature: float) -> float:
        scores = log_probabilities / np.exp(log_temperature)
        given = np.exp(scores[rows, targets] - logsumexp(scores, axis=1))
        mixed = (1 - WRONG) * given + WRONG / scores.shape[1]
        return float(0.5 * ((log_temperature - np.log(usual)) / LOG_SD) ** 2 - weights @ np.log(mixed))

    best = minimize_scalar(cost, bounds=(-LOG_LIMIT, LOG_LIMIT), method="bounded", options={"xatol": 1e-6})
    return Calibration(float(np.exp(best.x)))


def effective_weights(targets: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """Weights (m,) that balance the classes and sum to the effective number of independent labels (Kish 1965).

    Labels of one class in one group share the weight of one label.
    """
    groups = np.arange(len(targets)) if groups is None else groups
    _, cell, counts = np.unique(np.stack([targets, groups]), axis=1, return_inverse=True, return_counts=True)
    cell = cell.reshape(-1)
    first = np.unique(cell, return_index=True)[1]
    of_cell = class_weights(targets[first])
    return (of_cell / np.square(of_cell).sum() / counts)[cell]


def cross_calibrated(
    log_probabilities: np.ndarray,
    targets: np.ndarray,
    fold: np.ndarray,
    groups: np.ndarray | None = None,
    usual: float = 1.0,
) -> np.ndarray:
    """Log-probabilities (m, classes), each fold's calibrated on the other folds: for an honest calibration error."""
    calibrated = log_probabilities.astype(float)
    for number in np.unique(fold):
        inside = fold == number
        others = None if groups is None else groups[~inside]
        calibration = fit_calibration(log_probabilities[~inside], targets[~inside], others, usual)
        calibrated[inside] = calibration.apply(log_probabilities[inside])
    return calibrated


def adjust_prior(log_probabilities: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Log-probabilities (rows, classes) for a place where classes have the shares `new` instead of `old` (classes,)."""
    with np.errstate(divide="ignore"):  # a share of 0 rules its class out
        return log_softmax(log_probabilities + np.log(new) - np.log(old), axis=1)


def estimate_prior(
    log_probabilities: np.ndarray, old: np.ndarray, strength: float = 0.1, steps: int = 500, close: float = 1e-7
) -> np.ndarray:
    """The class shares (classes,) of a sample of unlabelled pixels, by expectation maximisation.

    log_probabilities  (n, classes) of the sample, calibrated, by a model to which classes have the shares `old`
    strength           pseudo-pixels of a Dirichlet prior centred on `old`, as a share of the sample: what keeps a
                       rare class from vanishing when probabilities are somewhat off

    Saerens, Latinne & Decaestecker 2002 (Neural Computation 14, 21).
    """
    probabilities, old = np.exp(log_softmax(log_probabilities, axis=1)), np.asarray(old, dtype=float)
    share = old
    for _ in range(steps):
        posterior = probabilities * (share / old)
        mean = (posterior / posterior.sum(1, keepdims=True)).mean(0)
        before, share = share, (mean + strength * old) / (1 + strength)
        if np.abs(share - before).max() < close:
            break
    return share


@dataclass(frozen=True)
class QuantityCalibration:
    """How far a predicted quantity may be off.

    scale      errors are `scale` times as large as the model says
    tolerance  the error that counts as small, in the quantity's unit: the out-of-fold root mean squared error
    labels     the effective number of labels that scale and tolerance come from
    """

    scale: float
    tolerance: float
    labels: float

    def confidence(self, spread: np.ndarray) -> np.ndarray:
        """The probability that a pixel's error is at most the tolerance, from the model's standard deviation (rows,).

        Where the model says the same everywhere it is near 0.68 everywhere; more where the model is surer than it is
        at most labels. Errors are taken as Student's t, whose tails are wide when labels are few.
        """
        ratio = self.tolerance / np.maximum(self.scale * spread, 1e-12)
        return 1 - 2 * student.sf(ratio, max(self.labels, 1))

    def half_width(self, spread: np.ndarray, level: float = 0.95) -> np.ndarray:
        """Half of the interval (rows,) around a prediction that holds the truth with the probability `level`."""
        return student.ppf(0.5 + level / 2, max(self.labels, 1)) * self.scale * spread


def fit_quantity_calibration(
    predicted: np.ndarray, targets: np.ndarray, spread: np.ndarray | None = None, groups: np.ndarray | None = None
) -> QuantityCalibration:
    """The scale of errors from out-of-fold predictions (m,) and their standard deviations (m,), 1 by default.

    groups  (m,) ids of polygons, or the `places` of the folds: the labels of one count as one
    """
    spread = np.ones(len(targets)) if spread is None else np.maximum(spread, 1e-12)
    weights = effective_weights(np.zeros(len(targets), dtype=int), groups)
    scale = np.sqrt(weights @ np.square((targets - predicted) / spread) / weights.sum())
    tolerance = np.sqrt(weights @ np.square(targets - predicted) / weights.sum())
    return QuantityCalibration(float(scale), float(tolerance), float(weights.sum()))

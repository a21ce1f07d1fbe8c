"""scikit-learn's own checks, and that a table and a task give the same answers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from handful.estimators import FewShotClassifier, FewShotRegressor

EVERY = [FewShotClassifier(), FewShotClassifier("protonet"), FewShotClassifier("logistic"), FewShotRegressor()]


@parametrize_with_checks(EVERY)
def test_scikit_learns_checks(estimator, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


def test_two_balanced_classes_are_told_apart_as_by_ridge_classification() -> None:
    draw = np.random.default_rng(0)
    labels = np.arange(40) % 2
    table = draw.normal(size=(40, 5)) + labels[:, None]
    new = draw.normal(size=(200, 5)) + 0.5
    ours = FewShotClassifier("ridge", {"penalty": 1.0}).fit(table, labels).predict(new)
    scaled = (table - table.mean(0)) / table.std(0)
    reference = RidgeClassifier(alpha=1.0).fit(scaled, labels).predict((new - table.mean(0)) / table.std(0))
    assert (ours == reference).mean() > 0.99


def test_an_unknown_learner_is_named() -> None:
    with pytest.raises(Exception, match="no learner is called 'rigde'"):
        FewShotClassifier("rigde").fit([[0.0], [1.0]], [0, 1])

"""Learners on tables, as scikit-learn estimators: for pipelines, grid searches and comparisons."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from .learner import Predictor
from .learners import make
from .problem import Classes, Problem, Quantity
from .task import Examples


class _OnTable(BaseEstimator):
    """What both share: features of mean 0 and deviation 1 go to a learner that fits rows."""

    def __init__(self, learner: str = "ridge", settings: dict[str, Any] | None = None, seed: int = 0):
        self.learner = learner
        self.settings = settings
        self.seed = seed

    def _fit(self, table: np.ndarray, targets: Tensor, problem: Problem) -> Self:
        self.mean_, spread = table.mean(0), table.std(0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        self.support_ = Examples(self._inputs(table), targets, problem)
        self.predictor_ = self._adapted()
        return self

    def _adapted(self) -> Predictor:
        learner = make(self.learner, encoder="plain", seed=self.seed, **(self.settings or {}))
        learner.net.double()
        return learner.adapt(self.support_)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "predictor_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "support_"):
            self.predictor_ = self._adapted()  # adapting is pure: the same predictor again

    def _inputs(self, table: np.ndarray) -> dict[str, Tensor]:
        return {"features": torch.from_numpy((table - self.mean_) / self.scale_)}

    def _checked(self, table: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, table, reset=False, dtype=np.float64)


class FewShotClassifier(ClassifierMixin, _OnTable):
    """A learner of rows as a classifier of tables (rows, features).

    learner   name in the catalogue: ridge, protonet, random_forest, ...
    settings  its settings
    seed      of anything drawn

    >>> table = np.array([[0.0], [0.1], [1.0], [1.1]])
    >>> int(FewShotClassifier().fit(table, [0, 0, 1, 1]).predict([[1.2]])[0])
    1
    """

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's names
        table, answers = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(answers)
        self.classes_, index = np.unique(answers, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__} needs at least 2 classes; the data contains 1 class.")
        problem = Classes(tuple(str(name) for name in self.classes_))
        return self._fit(table, torch.from_numpy(index.astype(np.int64)), problem)

    @torch.no_grad()
    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """(rows, classes), summing to 1; not calibrated."""
        table = self._checked(X)
        return self.predictor_.outputs(self._inputs(table)).mean.double().softmax(1).numpy()

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(1)]


class FewShotRegressor(RegressorMixin, _OnTable):
    """A learner of rows as a regressor of tables (rows, features). Parameters as in FewShotClassifier."""

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        table, values = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        return self._fit(table, torch.from_numpy(np.array(values, np.float64)), Quantity("target"))

    @torch.no_grad()
    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        table = self._checked(X)
        return self.predictor_.outputs(self._inputs(table)).mean[:, 0].double().numpy()

"""What people use today: scikit-learn's estimators on a table of features."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from scipy.spatial.distance import cdist
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as RidgeRegressor
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from torch import Tensor

from ..errors import TaskError
from ..learner import Learner, RowAnswer, settings
from ..problem import Classes, Prediction, Problem

Kind = Literal["random_forest", "extra_trees", "logistic", "svm", "nearest_mean", "mean"]
Make = Callable[["Classical"], Any]

CLASSIFIERS: dict[Kind, Make] = {
    "random_forest": lambda s: RandomForestClassifier(s.trees, class_weight="balanced", random_state=s.seed),
    "extra_trees": lambda s: ExtraTreesClassifier(s.trees, class_weight="balanced", random_state=s.seed),
    "logistic": lambda s: s.scaled(LogisticRegression(C=s.strength, class_weight="balanced", max_iter=2000)),
    "svm": lambda s: s.scaled(SVC(C=s.strength, class_weight="balanced", decision_function_shape="ovr")),
    "nearest_mean": lambda s: s.scaled(NearestCentroid()),
    "mean": lambda s: DummyClassifier(),
}
REGRESSORS: dict[Kind, Make] = {
    "random_forest": lambda s: RandomForestRegressor(s.trees, random_state=s.seed),
    "extra_trees": lambda s: ExtraTreesRegressor(s.trees, random_state=s.seed),
    "logistic": lambda s: s.scaled(RidgeRegressor(alpha=1 / s.strength)),  # its counterpart for numbers
    "svm": lambda s: s.scaled(SVR(C=s.strength)),
    "mean": lambda s: DummyRegressor(),
}


@settings
class Classical(Learner):
    """An estimator of scikit-learn; nothing is learned across tasks.

    estimator  random forest (Breiman 2001), extra trees (Geurts et al. 2006), logistic or linear regression,
               support vector machine with a radial kernel, nearest class mean (for classes only); or the mean of the
               targets, or their shares of classes, whatever the features are
    trees      how many, for the two forests
    strength   C, for logistic regression and the support vector machine
    standard   bring features to mean 0 and deviation 1 over the support first, all but for forests; on a handful of
               rows this makes what tells nothing as loud as what tells, so leave it out where features have a scale
    Scores are log-probabilities of the forests and logistic regression, margins of the others.
    """

    encoder: str = "context"
    estimator: Kind = "random_forest"
    trees: int = Field(default=300, ge=1)
    strength: float = Field(default=1.0, gt=0)
    standard: bool = True
    meta_learned: ClassVar[bool] = False

    def scaled(self, estimator: Any) -> Any:
        return make_pipeline(StandardScaler() if self.standard else "passthrough", estimator)

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        table, answers = features.detach().cpu().double().numpy(), targets.cpu().numpy()
        makers = CLASSIFIERS if isinstance(problem, Classes) else REGRESSORS
        if self.estimator not in makers:
            raise TaskError(f"{self.estimator} learns classes only: choose another learner for a quantity.")
        alike = len(set(answers.tolist())) == 1 or not (table != table[:1]).any()  # nothing to learn: some refuse it
        if isinstance(problem, Classes) and alike:
            return lambda rows: Prediction(torch.zeros(len(rows), problem.outputs).to(rows))
        fitted = makers[self.estimator](self).fit(table, answers)

        def decide(rows: Tensor) -> Prediction:
            scores = torch.as_tensor(scores_of(fitted, rows.detach().cpu().numpy())).to(rows)
            if not is_classifier(fitted):
                return Prediction(scores[:, None])
            every = torch.zeros(len(rows), problem.outputs).to(rows)
            every[:, fitted.classes_] = scores
            return Prediction(every)

        return decide


def scores_of(fitted: Any, table: Any) -> Any:
    """Log-probabilities, margins (rows, classes) or values (rows,) of a fitted estimator."""
    means = getattr(fitted, "named_steps", {}).get("nearestcentroid")
    if means is not None:  # its own scores need two labels a class
        return -cdist(fitted[:-1].transform(table), means.centroids_, "sqeuclidean")
    if hasattr(fitted, "predict_proba"):
        import numpy as np

        return np.log(np.clip(fitted.predict_proba(table), 1e-3, None))
    if not is_classifier(fitted):
        return fitted.predict(table)
    scores = fitted.decision_function(table)
    return scores if scores.ndim == 2 else scores[:, None] * [[-0.5, 0.5]]


random_forest = partial(Classical, estimator="random_forest")
extra_trees = partial(Classical, estimator="extra_trees")
logistic = partial(Classical, estimator="logistic")
svm = partial(Classical, estimator="svm")
nearest_mean = partial(Classical, estimator="nearest_mean")
mean = partial(Classical, estimator="mean")

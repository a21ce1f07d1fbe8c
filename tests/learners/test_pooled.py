"""A pool of rows: what scikit-learn fits on them, in their units, classes by name; and kept in a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from handful.checkpoint import load, save
from handful.errors import SettingsError, TaskError
from handful.learner import Learner
from handful.learners import make
from handful.problem import Classes, Problem, Quantity
from handful.task import Examples

MOISTURE, LAND = Quantity("moisture", "%"), Classes(("water", "forest", "town"))


def table(problem: Problem, seed: int, rows: int = 40, order: tuple[int, ...] = (0, 1, 2)) -> Examples:
    """Rows of one region; class i of the problem is the land cover order[i], which its first feature tells."""
    draw = np.random.default_rng(seed)
    inputs, kind = draw.normal(size=(rows, 4)).astype(np.float32), np.arange(rows) % len(order)
    targets = torch.from_numpy(kind)
    inputs[:, 0] += 2 * np.array(order)[kind]
    if isinstance(problem, Quantity):
        targets = torch.from_numpy(100 + 10 * inputs[:, 1] + seed)
    return Examples(torch.from_numpy(inputs), targets, problem)


def pooled(problem: Problem = MOISTURE, **settings: Any) -> tuple[Learner, np.ndarray, np.ndarray]:
    """A learner with the rows of three regions, and these rows."""
    sets = [table(problem, seed) for seed in range(3)]
    learner = make("pooled", encoder="plain", **settings).gather(sets)
    return learner, torch.cat([s.inputs for s in sets]).numpy(), torch.cat([s.targets for s in sets]).numpy()


def answers(learner: Learner, support: Examples, query: Examples) -> np.ndarray:
    return learner.adapt(support).outputs(query.inputs).mean.numpy()


def sorted_rows(features: np.ndarray) -> np.ndarray:
    return features[np.lexsort(features.T)]


@pytest.mark.parametrize("rows", [1, 7])
def test_without_the_support_it_is_ridge_on_the_pool_in_its_own_units(rows: int) -> None:
    learner, features, targets = pooled(estimator="logistic", strength=0.1, weight=0)
    query = table(MOISTURE, 9)
    reference = make_pipeline(StandardScaler(), Ridge(alpha=10)).fit(features, targets).predict(query.inputs)
    assert answers(learner, table(MOISTURE, 50, rows), query)[:, 0] == pytest.approx(reference, rel=1e-5)


def test_a_forest_on_the_pool_answers_in_its_units() -> None:
    learner, features, targets = pooled(weight=0, trees=20)
    kept = learner.net.head  # rows in the order kept, which trees depend on
    reference = ExtraTreesRegressor(20, random_state=0).fit(kept.features, kept.targets)
    query = table(MOISTURE, 9)
    assert answers(learner, table(MOISTURE, 50, 3), query)[:, 0] == pytest.approx(reference.predict(query.inputs))


def test_a_row_of_the_support_counts_as_often_as_its_weight_says() -> None:
    learner, features, targets = pooled(estimator="logistic", standard=False, weight=6)
    support, query = table(MOISTURE, 50, 5), table(MOISTURE, 9)
    weights = [1] * len(features) + [6] * 5
    both = np.concatenate([features, support.inputs]), np.concatenate([targets, support.targets])
    reference = Ridge(alpha=1.0).fit(*both, sample_weight=weights).predict(query.inputs)
    assert answers(learner, support, query)[:, 0] == pytest.approx(reference, rel=1e-5)


def test_classes_are_known_by_their_names_whatever_their_order() -> None:
    learner, features, targets = pooled(LAND, estimator="logistic", weight=0)
    other = Classes(("town", "water"))
    support, query = table(other, 50, 4, order=(2, 0)), table(other, 9, order=(2, 0))
    some = targets != 1
    reference = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000))
    log_odds = np.diff(reference.fit(features[some], targets[some]).predict_log_proba(query.inputs))[:, 0]
    found = answers(learner, support, query)
    clear = np.abs(log_odds) < 5  # beyond that probabilities are cut at one in a thousand
    assert (found[:, 0] - found[:, 1])[clear] == pytest.approx(log_odds[clear], abs=1e-2)


def test_the_mean_of_the_support_and_of_the_pool() -> None:
    support, query = table(MOISTURE, 50, 5), table(MOISTURE, 9)
    alone = make("mean", encoder="plain")
    assert answers(alone, support, query)[:, 0] == pytest.approx([float(support.targets.mean())] * len(query))
    learner, _, targets = pooled(estimator="mean", weight=0)
    assert answers(learner, support, query)[:, 0] == pytest.approx([targets.mean()] * len(query))


@pytest.mark.parametrize("weight", [0, 2])
def test_tasks_do_not_touch_the_learner_nor_each_other(weight: int) -> None:
    learner, *_ = pooled(weight=weight, trees=5)
    before, query = {k: w.clone() for k, w in learner.net.state_dict().items()}, table(MOISTURE, 9)
    first = learner.adapt(table(MOISTURE, 50, 3))
    early = first.predict(query.inputs)
    other, *_ = pooled(weight=weight, trees=5, seed=1)
    other.adapt(table(MOISTURE, 60, 3))
    again = learner.adapt(table(MOISTURE, 50, 3)).predict(query.inputs)
    assert torch.equal(early, again) and torch.equal(early, first.predict(query.inputs))
    assert all(torch.equal(w, learner.net.state_dict()[k]) for k, w in before.items())


@pytest.mark.parametrize("problem", [MOISTURE, LAND])
def test_a_checkpoint_keeps_the_pool(problem: Problem, tmp_path: Path) -> None:
    learner, *_ = pooled(problem, trees=5)
    save(learner, "pooled", tmp_path)
    found, _ = load(tmp_path)
    support, query = table(problem, 50, 6), table(problem, 9)
    assert repr(found) == repr(learner)
    assert np.array_equal(answers(found, support, query), answers(learner, support, query))


def test_no_more_rows_are_kept_than_said_the_same_for_the_same_seed() -> None:
    few, features, _ = pooled(most=25)
    again, *_ = pooled(most=25)
    other, *_ = pooled(most=25, seed=1)
    kept = few.net.head.features
    assert few.kept == (25, 4) and torch.equal(kept, again.net.head.features)
    assert not torch.equal(kept, other.net.head.features)
    assert all((features == row).all(1).any() for row in kept.numpy())
    assert np.array_equal(sorted_rows(pooled()[0].net.head.features.numpy()), sorted_rows(features))


def test_without_a_pool_it_is_fitted_on_the_support_alone() -> None:
    support, query = table(LAND, 50, 9), table(LAND, 9)
    alone = make("extra_trees", encoder="plain", trees=10)
    assert np.array_equal(
        answers(make("pooled", encoder="plain", trees=10, weight=0), support, query), answers(alone, support, query)
    )


def test_what_cannot_be_pooled_is_refused() -> None:
    learner = make("pooled", encoder="plain")
    with pytest.raises(SettingsError, match="mean the same"):
        learner.gather([table(MOISTURE, 0), table(LAND, 0)])
    with pytest.raises(SettingsError, match="mean the same"):
        learner.gather([])
    found, *_ = pooled(LAND)
    for support in (table(MOISTURE, 1), table(Classes(("class 1", "class 2")), 1, order=(0, 1))):
        with pytest.raises(TaskError, match="the pool has 4 features of water, forest, town"):
            found.adapt(support)

"""Comparisons over regions: known values, and how often nothing seems to be something."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_rel
from sklearn.metrics import cohen_kappa_score, jaccard_score, roc_auc_score

from handful.bench.differences import difference, holm, signed_rank
from handful.bench.ranks import average_ranks, cliques, critical_difference
from handful.bench.scores import class_scores


@pytest.mark.parametrize(("learners", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_the_critical_values_of_demsar(learners: int, q: float) -> None:
    """Table 5a of Demsar 2006."""
    assert critical_difference(learners, 10) == pytest.approx(q * np.sqrt(learners * (learners + 1) / 60), abs=2e-3)


def test_ranks_and_the_diagram_from_six_blocks_up() -> None:
    scores = {"a": {str(k): 0.9 for k in range(6)}, "b": {str(k): 0.5 + k / 100 for k in range(6)}}
    found = average_ranks(scores)
    assert found.mean == {"a": 1.0, "b": 2.0} and found.blocks == 6 and found.critical is not None
    assert average_ranks({n: {k: v for k, v in of.items() if k != "5"} for n, of in scores.items()}).critical is None
    assert average_ranks(scores, more_is_better=False).mean["b"] == 1.0


def test_cliques_are_the_largest_groups_within_the_difference() -> None:
    assert cliques({"a": 1.0, "b": 1.8, "c": 2.6, "d": 4.0}, 1.0) == [["a", "b"], ["b", "c"]]


def test_holm_keeps_order_and_gaps() -> None:
    assert holm([0.5, None, 0.01]) == [0.5, None, 0.02]


def test_one_training_is_the_paired_t_interval() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=(9, 1)), rng.normal(size=(9, 1))
    limits = ttest_rel(ours[:, 0], theirs[:, 0]).confidence_interval()
    assert difference(ours, theirs)[1:3] == pytest.approx((limits.low, limits.high))


def test_trainings_that_differ_widen_the_interval() -> None:
    regions = np.random.default_rng(1).normal(0.7, 0.05, (20, 1))
    lucky = regions + np.array([[0.1, -0.1]])
    narrow, wide = difference(regions, regions - 0.05), difference(lucky, regions - 0.05)
    assert narrow.low is not None and narrow.low > 0
    assert wide.low is not None and wide.low < 0


def test_equal_regions_do_not_differ_and_few_are_not_tested() -> None:
    assert signed_rank(np.zeros(8)) == 1.0 and signed_rank(np.ones(4)) is None


def trainings(rng: np.random.Generator, regions: int, seeds: int, between: float) -> np.ndarray:
    hard = rng.normal(0.7, 0.1, (regions, 1))
    return hard + rng.normal(0, between, (1, seeds)) + rng.normal(0, 0.03, (regions, seeds))


@pytest.mark.slow
@pytest.mark.parametrize("regions", [8, 20, 50])
@pytest.mark.parametrize(("seeds", "between"), [(1, 0.0), (2, 0.01), (3, 0.03)])
def test_two_trainings_of_one_learner_seldom_seem_to_differ(regions: int, seeds: int, between: float) -> None:
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(2000):
        scores = trainings(rng, regions, 2 * seeds, between)
        found = difference(scores[:, :seeds], scores[:, seeds:])
        p = signed_rank(scores[:, :seeds].mean(1) - scores[:, seeds:].mean(1))
        assert found.low is not None and found.high is not None and p is not None
        alarms += (found.low > 0 or found.high < 0) and p < 0.05
    assert alarms / 2000 <= 0.05


@pytest.mark.parametrize("classes", [2, 4])
def test_scores_are_those_of_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(0)
    targets, outputs = rng.integers(0, classes, 200), rng.normal(size=(200, classes))
    found = class_scores(targets, outputs)
    shares = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    said = shares.argmax(1)
    wanted = roc_auc_score(targets, shares[:, 1] if classes == 2 else shares, multi_class="ovr", average="macro")
    assert found["auc"] == pytest.approx(wanted)
    assert found["miou"] == pytest.approx(jaccard_score(targets, said, average="macro"))
    assert found["kappa"] == pytest.approx(cohen_kappa_score(targets, said))

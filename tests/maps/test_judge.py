"""Calibration changes how sure a map is, not what it says; class shares move it."""

from __future__ import annotations

import numpy as np
import pytest
import small_map

from handful.maps.judge import ClassJudge, Labelled, QuantityJudge, bins, judge_of, plain
from handful.problem import Quantity
from handful.trust.calibration import Calibration


def answers(members: int = 3, count: int = 24, classes: int = 4) -> np.ndarray:
    """Probabilities (members, count, classes)."""
    raw = np.random.default_rng(0).gamma(0.5, size=(members, count, classes))
    return raw / raw.sum(-1, keepdims=True)


def labelled(targets: np.ndarray) -> Labelled:
    places = np.arange(len(targets))
    return Labelled(np.stack([places, places], axis=1) * 10.0, targets, places)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_calibration_doesnt_change_the_map(temperature: float) -> None:
    table = answers().transpose(0, 2, 1)
    values, sure, _ = ClassJudge(small_map.NAMES, Calibration(temperature)).paint(table)
    assert np.array_equal(values, table.mean(0).argmax(0) + 1)
    assert ((sure >= 0.25 - 1e-6) & (sure <= 1)).all()


def test_confidence_is_the_probability_of_the_class_on_the_map() -> None:
    judge, table = ClassJudge(small_map.NAMES, Calibration(1.7)), answers().transpose(0, 2, 1)
    values, sure, chances = judge.paint(table)
    np.testing.assert_allclose(chances.sum(0), 1, rtol=1e-9)
    np.testing.assert_allclose(chances[values - 1, np.arange(24)], sure, rtol=1e-6)


def test_a_temperature_above_1_makes_less_sure() -> None:
    table = answers().transpose(0, 2, 1)
    cold, warm = (ClassJudge(small_map.NAMES, Calibration(t)).paint(table)[1] for t in (1.0, 3.0))
    assert (warm <= cold + 1e-7).all()


def test_class_shares_move_the_map() -> None:
    table = answers().transpose(0, 2, 1)
    even = ClassJudge(small_map.NAMES)
    same = ClassJudge(small_map.NAMES, prior=np.full(4, 0.25))
    mostly = ClassJudge(small_map.NAMES, prior=np.array([0.97, 0.01, 0.01, 0.01]))
    assert np.array_equal(even.paint(table)[0], same.paint(table)[0])
    counts = [(judge.paint(table)[0] == 1).sum() for judge in (even, mostly)]
    assert counts[1] > counts[0]
    wanted = even.probabilities(table) * mostly.prior[:, None]
    np.testing.assert_allclose(mostly.probabilities(table), wanted / wanted.sum(0), rtol=1e-6)


def test_a_perfect_answer_scores_1_and_beats_another() -> None:
    targets = small_map.labels()[2]
    right, labels, judged = np.eye(4)[targets][None], labelled(targets), np.ones(24, bool)
    judge = ClassJudge(small_map.NAMES)
    assert judge.score(right, labels, judged)["balanced_accuracy"] == 1
    gain, sure = judge.better(right, np.roll(right, 1, axis=2), labels, judged)
    assert gain == 1 and sure
    assert judge.loss(right, labels, judged) < judge.loss(answers(), labels, judged)
    assert np.trace(judge.findings(right, labels, judged)[1]) == 24


def test_only_judged_labels_count() -> None:
    targets = small_map.labels()[2]
    right = np.eye(4)[targets][None]
    half = np.arange(24) % 2 == 0
    wrong_elsewhere = np.where(half[:, None], right, np.roll(right, 1, axis=2))
    assert ClassJudge(small_map.NAMES).score(wrong_elsewhere, labelled(targets), half)["balanced_accuracy"] == 1


def test_a_quantity_is_judged_by_its_error() -> None:
    targets = small_map.problem_and_targets("quantity")[1].astype(float)
    judge, judged = QuantityJudge(floor=3.0), np.ones(24, bool)
    near, far = ((targets + off)[None, :, None] for off in (2.0, -8.0))
    found = judge.score(near, labelled(targets), judged)
    assert found["rmse"] == pytest.approx(2.0)
    gain, sure = judge.better(near, far, labelled(targets), judged)
    assert gain == pytest.approx(6.0) and sure
    values, confidence, _ = judge.paint(np.concatenate([near, far]).transpose(0, 2, 1))
    np.testing.assert_allclose(values, targets - 3.0, rtol=1e-5)
    assert ((confidence > 0) & (confidence < 1)).all()


def test_one_polygon_is_one_witness_for_a_quantity_too() -> None:
    """A gain that many pixels of a few polygons show is no more sure than that of the polygons."""
    rng = np.random.default_rng(0)
    targets, polygon = np.zeros(400), np.repeat(np.arange(4), 100)
    near = (1 + 0.01 * rng.normal(size=400))[None, :, None]
    far = (1.05 + 0.4 * rng.normal(size=4)[polygon])[None, :, None]
    labels = Labelled(np.zeros((400, 2)), targets, polygon)
    judge, judged = QuantityJudge(floor=1.0), np.ones(400, bool)
    assert not judge.better(near, far, labels, judged)[1] and not judge.better(far, near, labels, judged)[1]


def test_members_that_disagree_make_less_sure() -> None:
    judge = QuantityJudge(floor=1.0)
    table = np.array([[[5.0, 5.0]], [[5.0, 25.0]]])
    sure = judge.paint(table)[1]
    assert sure[1] < sure[0]


def test_the_judge_of_a_problem() -> None:
    assert isinstance(judge_of(*small_map.problem_and_targets("classes")), ClassJudge)
    judge = judge_of(*small_map.problem_and_targets("quantity"))
    assert isinstance(judge, QuantityJudge) and judge.floor > 0
    assert judge_of(Quantity("height", "m"), np.arange(3.0)).amount(10.72) == "typical error is 10.7 m"
    assert judge_of(small_map.problem_and_targets("quantity")[0], np.full(3, 7.0)).floor > 0


def test_numbers_for_json() -> None:
    assert plain(float("nan")) is None and plain(None) is None and plain(0.5) == 0.5
    scores = np.log(answers(1, 40)[0])
    parts = bins(scores, np.zeros(40, int))
    assert sum(count for *_, count in parts) == 40 and [p[0] for p in parts] == sorted(p[0] for p in parts)
    assert bins(scores[:5], np.zeros(5, int)) == []

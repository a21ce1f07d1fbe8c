import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, log_loss, mean_absolute_error

from handful.bench.judge import answers
from handful.bench.posing import Posed
from handful.bench.scores import class_scores, quantity_scores
from handful.problem import Classes, Prediction
from handful.task import Examples


def test_log_odds_and_log_probabilities_score_alike():
    rng = np.random.default_rng(0)
    targets, outputs = rng.integers(0, 3, 90), rng.normal(size=(90, 3)).astype(np.float32)
    scores = class_scores(targets, outputs)
    assert scores == pytest.approx(class_scores(targets, outputs.astype(float) + 5))
    assert scores["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(targets, outputs.argmax(1)))
    odds = np.exp(outputs.astype(float))
    assert scores["nll"] == pytest.approx(log_loss(targets, odds / odds.sum(1, keepdims=True)))


def test_a_quantity():
    targets, predicted = np.array([1.0, 2, 3]), np.array([2.0, 2, 5])
    scores = quantity_scores(targets, predicted, np.ones(3))
    assert scores["bias"] == 1 and scores["mae"] == mean_absolute_error(targets, predicted)
    assert scores["nll"] == pytest.approx(0.5 * np.log(2 * np.pi) + 0.5 * 5 / 3)
    assert "nll" not in quantity_scores(targets, predicted)


class Lost:
    """Answers the second class, and of the first row nothing that is finite."""

    def outputs(self, inputs: object) -> Prediction:
        return Prediction(torch.tensor([[torch.nan, 1.0], [0.0, 3.0]]))


def test_answers_that_are_not_finite_know_nothing() -> None:
    """A learner that descended to nowhere is scored, as one that can't tell the classes apart."""
    support = Examples({"bands": torch.zeros(2, 1)}, torch.tensor([0, 1]), Classes(("a", "b")))
    found = answers(Lost(), Posed(support, support.inputs, None))  # type: ignore[arg-type]
    assert found.mean.tolist() == [[0.0, 0.0], [0.0, 3.0]]

import numpy as np

from handful.trust.suspicious import suspicious_labels, suspicious_values


def test_labels_are_listed_by_the_rule_and_the_worst_first():
    given = np.array([0.99, 0.04, 0.06, 0.001, 0.01])
    scores = np.log(np.stack([given, 1 - given], 1))
    found = suspicious_labels(scores, np.zeros(5, int), np.arange(5))
    assert [label.row for label in found] == [3, 4, 1]
    assert found[0].predicted == 1 and abs(found[0].given - 0.001) < 1e-9 and found[0].probability > 0.8


def test_an_unsure_model_accuses_nobody():
    scores = np.log(np.array([[0.04, 0.5, 0.46]]))
    assert suspicious_labels(scores, np.array([0]), np.array([0])) == []


def test_one_a_group_and_only_judged_labels():
    given = np.array([0.01, 0.001, 0.02, 0.01])
    scores = np.log(np.stack([given, 1 - given], 1))
    judged = np.array([True, True, True, False])
    found = suspicious_labels(scores, np.zeros(4, int), np.array([7, 7, 8, 9]), judged)
    assert [label.row for label in found] == [1, 2]


def test_a_flipped_label_is_found_among_many():
    rng = np.random.default_rng(0)
    targets = np.arange(100) % 2
    scores = np.log(np.where(np.eye(2)[targets] == 1, 0.95, 0.05) + rng.uniform(-0.02, 0.02, (100, 1)) * [1, -1])
    targets[17] = 1 - targets[17]
    found = suspicious_labels(scores, targets, np.arange(100), given_below=0.08)
    assert [label.row for label in found] == [17]


def test_values_far_from_the_prediction():
    rng = np.random.default_rng(0)
    targets = rng.normal(size=50)
    predicted = targets + 0.1 * rng.uniform(-1, 1, 50)
    targets[9] += 5
    targets[20] -= 9
    assert [label.row for label in suspicious_values(predicted, targets, np.arange(50))] == [20, 9]
    assert suspicious_values(predicted, targets, np.arange(50), np.zeros(50, bool)) == []

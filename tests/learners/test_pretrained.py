"""Learners on the features of one pooled classifier do what their papers say."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression

from handful.checkpoint import load, save
from handful.learner import Learner
from handful.learners import make
from handful.problem import UNLABELLED, Classes
from handful.task import Examples, Task

WIDTH, WAYS = 6, 3
CLASSES = Classes(("a", "b", "c"))


def table(count: int, seed: int) -> Examples:
    """Rows around a mean a class, classes in turn."""
    draw = torch.Generator().manual_seed(seed)
    targets = torch.arange(count) % WAYS
    means = torch.randn(WAYS, WIDTH, generator=torch.Generator().manual_seed(5))
    return Examples({"features": means[targets] + 0.7 * torch.randn(count, WIDTH, generator=draw)}, targets, CLASSES)


def learner(name: str, **settings: object) -> Learner:
    return make(name, encoder="conv4", encoder_settings={"bands": 1, "width": WIDTH}, outputs=WAYS, **settings)


def scores(learner: Learner, support: Examples, inputs: object) -> torch.Tensor:
    return learner.adapt(support).outputs(inputs).mean.detach()


def test_baselines_new_classifier_ends_where_logistic_regression_does() -> None:
    support, query = table(12, 0), table(9, 1).inputs
    ours = scores(learner("baseline", passes=4000, step_size=0.1, batch=12), support, query).softmax(1)
    # weight decay w on weights is C = 1 / (n w) of a mean loss; on the bias it does next to nothing
    reference = LogisticRegression(C=1 / (12 * 1e-3), max_iter=5000).fit(support.inputs["features"], support.targets)
    assert torch.allclose(ours.double(), torch.from_numpy(reference.predict_proba(query["features"])), atol=0.03)


def test_baseline_plus_pluss_scores_are_cosines() -> None:
    found, support, query = learner("baseline_plus_plus", passes=5), table(9, 0), table(9, 1).inputs["features"]
    first = scores(found, support, {"features": query})
    assert torch.allclose(first, scores(found, support, {"features": 7.5 * query}), atol=1e-5)
    assert float(first.abs().max()) <= 2.0 + 1e-5
    scaled = Examples({"features": 7.5 * support.inputs["features"]}, support.targets, CLASSES)
    assert torch.allclose(first, scores(found, scaled, {"features": query}), atol=1e-4)


@pytest.mark.parametrize("form", ["un", "l2n", "cl2n"])
def test_simpleshot_is_its_formula(form: str) -> None:
    found, support, query = learner("simpleshot", form=form), table(7, 0), table(5, 1)
    found.net.head.mean += torch.arange(WIDTH) / 5
    both = [examples.inputs["features"] for examples in (support, query)]
    if form == "cl2n":
        both = [rows - found.net.head.mean for rows in both]
    if form != "un":
        both = [rows / rows.norm(dim=1, keepdim=True) for rows in both]
    means = torch.stack([both[0][support.targets == c].mean(0) for c in range(WAYS)])
    expected = -(both[1][:, None] - means).square().sum(2)
    assert torch.allclose(scores(found, support, query.inputs), expected, atol=1e-5)


def test_the_base_mean_is_of_labelled_rows() -> None:
    found, given = learner("simpleshot"), table(9, 0)
    given.targets[3:] = UNLABELLED
    found.net.train()
    found.task_loss(Task(given, given))
    assert torch.allclose(found.net.head.mean, given.inputs["features"][:3].mean(0), atol=1e-6)


def test_the_base_mean_is_that_of_the_rows_trained_on_and_travels_with_the_net(tmp_path) -> None:
    found, sets = learner("simpleshot"), [table(6, seed) for seed in range(4)]
    found.net.train()
    for first, second in (sets[:2], sets[2:]):
        found.task_loss(Task(first, second)).backward()
    found.net.eval()
    found.task_loss(Task(sets[0], sets[1]))  # judged, not trained: nothing is noted
    mean = torch.cat([examples.inputs["features"] for examples in sets]).mean(0)
    assert torch.allclose(found.net.head.mean, mean, atol=1e-6)
    save(found, "simpleshot", tmp_path / "kept")
    assert torch.equal(load(tmp_path / "kept")[0].net.head.mean, found.net.head.mean)


@pytest.mark.parametrize("name", ["simpleshot", "laplacian_shot"])
def test_on_another_encoder_the_base_mean_is_that_of_all_base_rows(name: str) -> None:
    found, sets = learner(name), [table(6, 0), table(9, 1)]
    found.settle(sets)
    mean = torch.cat([examples.inputs["features"] for examples in sets]).mean(0)
    assert torch.allclose(found.net.head.mean, mean, atol=1e-6)
    found.net.train()
    found.task_loss(Task(*sets))  # once it trains itself, what it sees now is what counts
    assert torch.allclose(found.net.head.mean, torch.stack([e.inputs["features"].mean(0) for e in sets]).mean(0))


def test_pooled_training_is_on_the_classes_that_regions_share() -> None:
    found, support, query = learner("baseline_plus_plus"), table(6, 0), table(6, 1)
    base = torch.tensor([2, 0, 1])
    shared = [Examples(e.inputs, e.targets, CLASSES, base[e.targets]) for e in (support, query)]
    rows = [e.inputs["features"] for e in shared]
    expected = [F.cross_entropy(found.net.head(r), base[e.targets]) for r, e in zip(rows, shared, strict=True)]
    assert torch.allclose(found.task_loss(Task(*shared)), torch.stack(expected).mean())

"""Each learner does what its paper says: gradients, closed forms, linear forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge as ReferenceRidge

from handful.learners import make
from handful.problem import Classes, Quantity
from handful.solvers import with_one
from handful.task import Examples, Task

SMALL = {"bands": 3, "width": 4, "blocks": 1, "kernel": 3, "windows": (3,)}


def task(kind: str = "classes", dtype: torch.dtype = torch.float64) -> Task:
    draw = torch.Generator().manual_seed(3)
    inputs = torch.randn(2, 3, 5, 6, generator=draw, dtype=dtype)
    if kind == "classes":
        problem: Classes | Quantity = Classes(("a", "b"))
        targets = torch.randint(0, 2, (2, 5, 6), generator=draw)
    else:
        problem = Quantity("height", "m")
        targets = torch.randn(2, 5, 6, generator=draw, dtype=dtype) * 3 + 7
    chosen = torch.rand(2, 5, 6, generator=draw) < 0.3
    chosen[0, 0, :2] = True
    support = Examples(inputs, problem.blank(targets, chosen), problem)
    return Task(support, Examples(inputs, problem.blank(targets, ~chosen), problem))


@pytest.mark.parametrize("steps", [1, 3, 5])
@pytest.mark.parametrize("kind", ["classes", "quantity"])
def test_mamls_meta_gradient_is_that_of_finite_differences(steps: int, kind: str) -> None:
    learner = make("maml", encoder="dense", encoder_settings=SMALL, steps=steps, step_size=0.1)
    learner.net.double().train()
    episode = task(kind)
    learner.task_loss(episode).backward()
    epsilon = 1e-5
    for _, weight in learner.net.named_parameters():
        flat, slope = weight.data.view(-1), weight.grad.view(-1)
        for index in {0, len(flat) // 2, len(flat) - 1}:
            before = float(flat[index])
            losses = []
            for side in (epsilon, -epsilon):
                flat[index] = before + side
                losses.append(float(learner.task_loss(episode).detach()))
            flat[index] = before
            expected = (losses[0] - losses[1]) / (2 * epsilon)
            assert float(slope[index]) == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_first_order_maml_has_another_gradient_but_the_same_predictor() -> None:
    both = {name: make(name, encoder="dense", encoder_settings=SMALL) for name in ("maml", "first_order_maml")}
    episode, slopes, answers = task(), {}, {}
    for name, learner in both.items():
        learner.net.double().train()
        learner.task_loss(episode).backward()
        slopes[name] = torch.cat([w.grad.flatten() for w in learner.net.parameters()])
        learner.net.eval()
        answers[name] = learner.adapt(episode.support).outputs(episode.query.inputs).mean
    assert torch.equal(answers["maml"], answers["first_order_maml"])
    assert float((slopes["maml"] - slopes["first_order_maml"]).abs().max()) > 1e-4


@pytest.mark.parametrize("rows", [6, 42])
def test_ridge_is_scikit_learns(rows: int) -> None:
    draw = np.random.default_rng(0)
    table, labels = draw.normal(size=(rows, 12)), np.arange(rows) % 3
    problem = Classes(("a", "b", "c"))
    learner = make("ridge", encoder="plain", penalty=0.7)
    learner.net.double()
    support = Examples({"features": torch.from_numpy(table)}, torch.from_numpy(labels), problem)
    query = torch.from_numpy(draw.normal(size=(9, 12)))
    ours = learner.adapt(support).outputs({"features": query}).mean.detach().numpy()
    reference = ReferenceRidge(alpha=0.7, fit_intercept=False).fit(
        with_one(torch.from_numpy(table)).numpy(), 2.0 * np.eye(3)[labels] - 1
    )
    assert ours == pytest.approx(reference.predict(with_one(query).numpy()), abs=1e-6)


def test_ridge_with_a_prior_mean_and_no_evidence_is_its_prior() -> None:
    learner = make("ridge", encoder="dense", encoder_settings=SMALL, prior_mean=True, penalty=1e9)
    torch.nn.init.normal_(learner.net.head.mean)
    learner.net.double()
    episode = task()
    features = learner.net.encode(episode.query.inputs)
    ours = learner.adapt(episode.support).outputs(episode.query.inputs).mean.movedim(1, -1)
    prior = with_one(features.movedim(1, -1).flatten(0, -2)) @ learner.net.head.mean
    assert torch.allclose(ours.flatten(0, -2), prior, atol=1e-5)


def test_protonet_is_its_linear_form() -> None:
    episode = task()
    learner = make("protonet", encoder="dense", encoder_settings=SMALL)
    learner.net.double()
    ours = learner.adapt(episode.support).outputs(episode.query.inputs).mean.log_softmax(1)
    features = learner.net.encode(episode.query.inputs).movedim(1, -1)
    table, targets = learner.labelled_rows(episode.support)
    means = torch.stack([table[targets == c].mean(0) for c in (0, 1)])
    distances = -(features[..., None, :] - means).square().sum(-1)
    assert torch.allclose(ours.movedim(1, -1), distances.log_softmax(-1), atol=1e-9)


def test_fine_tuning_with_no_step_is_the_pooled_model() -> None:
    episode = task(dtype=torch.float32)
    learner = make("fine_tune", encoder="dense", encoder_settings=SMALL, steps=0, new_head=False)
    ours = learner.adapt(episode.support).outputs(episode.query.inputs).mean
    assert torch.equal(ours, learner.net(episode.query.inputs))


def test_mamls_path_begins_before_adaptation_and_ends_with_it() -> None:
    episode = task()
    learner = make("maml", encoder="dense", encoder_settings=SMALL, steps=3)
    learner.net.double()
    path = list(learner.path(episode.support))
    assert len(path) == 4
    assert torch.equal(path[0].outputs(episode.query.inputs).mean, learner.net(episode.query.inputs))
    last = learner.adapt(episode.support).outputs(episode.query.inputs).mean
    assert torch.equal(path[-1].outputs(episode.query.inputs).mean, last)


@pytest.mark.parametrize("name", ["ridge", "averaged_ridge"])
def test_the_scale_of_scores_is_nothing_to_a_quantity(name: str) -> None:
    episode, learner = task("quantity"), make(name, encoder="dense", encoder_settings=SMALL)
    learner.net.double()
    before = learner.adapt(episode.support).outputs(episode.query.inputs).mean
    torch.nn.init.constant_(learner.net.head.log_scale, 1.5)
    assert torch.equal(learner.adapt(episode.support).outputs(episode.query.inputs).mean, before)

"""Transductive learners: marginals of the transport, information that grows, a bound that falls; and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from handful.learner import Learner
from handful.learners import make
from handful.problem import CLOSED, Classes
from handful.solvers.information import Information
from handful.solvers.joint import drawn_places, drawn_rows
from handful.solvers.laplacian import agreed, neighbours, objective, pull
from handful.solvers.transport import sinkhorn
from handful.task import Examples

WIDTH, CLASSES = 6, Classes(("a", "b", "c"))
NAMES = ["tim_gd", "tim_adm", "laplacian_shot", "pt_map"]


def table(count: int, seed: int, noise: float = 0.5) -> Examples:
    """Rows around a mean a class, classes in turn."""
    draw = torch.Generator().manual_seed(seed)
    targets, means = torch.arange(count) % 3, torch.randn(3, WIDTH, generator=torch.Generator().manual_seed(5))
    rows = (means[targets] + noise * torch.randn(count, WIDTH, generator=draw)).abs()
    return Examples({"features": rows}, targets, CLASSES)


def learner(name: str, **settings: object) -> Learner:
    settings |= {"steps": 100} if name == "tim_gd" else {}  # the paper's 1000 are slow
    return make(name, encoder="conv4", encoder_settings={"bands": 1, "width": WIDTH}, outputs=3, **settings)


def scores(learner: Learner, support: Examples, rows: torch.Tensor) -> torch.Tensor:
    return learner.adapt(support).outputs({"features": rows}).mean


def task(seed: int = 0) -> Information:
    support, rows = table(3, seed), table(45, seed + 9).inputs["features"]
    labels = F.one_hot(support.targets).double()
    return Information(
        F.normalize(support.inputs["features"]).double(), labels, F.normalize(rows).double(), 15, 0.1, 0.1
    )


def test_sinkhorns_marginals_are_those_that_were_asked_for() -> None:
    draw = torch.Generator().manual_seed(0)
    cost = torch.rand(12, 3, generator=draw, dtype=torch.float64) * 4
    rows, columns = torch.ones(12, dtype=torch.float64), torch.tensor([6.0, 4.0, 2.0], dtype=torch.float64)
    plan = sinkhorn(cost, rows, columns, sharpness=10, near=1e-12, most=10000).exp()
    assert torch.allclose(plan.sum(0), columns, atol=1e-12) and torch.allclose(plan.sum(1), rows, atol=1e-8)
    # what is left of the plan once the cost is taken off is a product of a factor a row and one a column
    rest = (plan.log() + 10 * cost).numpy()
    assert np.linalg.matrix_rank(rest - rest[:1] - rest[:, :1] + rest[0, 0], tol=1e-6) == 0


@pytest.mark.parametrize("seed", range(3))
def test_tims_information_grows_and_its_loss_falls(seed: int) -> None:
    found = task(seed)
    for path in (list(found.descend(60, 1e-3)), list(found.alternate(40))):
        told = torch.stack([found.information(vectors) for vectors in path])
        assert float(told.diff().min()) > -1e-6 and float(told[-1]) > float(told[0])
    losses = torch.stack([found.loss(vectors) for vectors in found.descend(60, 1e-3)])
    assert float(losses.diff().max()) < 1e-6


def test_a_step_of_tim_adm_is_its_closed_forms() -> None:
    found = task()
    before, after = found.alternate(1)
    distances = (found.rows[:, None] - before).square().sum(2)
    answers = (-15 / 2 * distances).softmax(1)
    soft = answers**1.1 / (answers**1.1).sum(0).sqrt()
    soft /= soft.sum(1, keepdim=True)
    known = (-15 / 2 * (found.support[:, None] - before).square().sum(2)).softmax(1)
    for k in range(3):
        parts = [
            (0.1 / 1.1, found.support, found.labels[:, k], known[:, k]),
            (3 / 45, found.rows, soft[:, k], answers[:, k]),
        ]
        total = sum(
            factor * (wanted[i] * rows[i] + said[i] * (before[k] - rows[i]))
            for factor, rows, wanted, said in parts
            for i in range(len(rows))
        )
        assert torch.allclose(after[k], total / sum(factor * wanted.sum() for factor, _, wanted, _ in parts))


def test_the_laplacians_bound_falls_to_a_fixed_point() -> None:
    rows, cost = table(40, 3).inputs["features"], 3 * torch.rand(40, 3, generator=torch.Generator().manual_seed(1))
    near = neighbours(rows, rows, 3, apart=True)
    affinity = pull(near, torch.eye(40))
    assert torch.equal(affinity, affinity.T) and float(affinity.diagonal().abs().max()) == 0
    strength = 2 / -float(torch.linalg.eigvalsh(affinity).min())
    path = [soft.exp() for soft in agreed(cost, near, strength=strength, steps=300)]
    told = torch.stack([objective(soft, cost, near, strength) for soft in path])
    assert float(told.diff().max()) < 1e-3 and float(told[1]) < float(told[0])
    assert torch.allclose(path[-1], (strength * affinity @ path[-1] - cost).softmax(1), atol=1e-4)


def test_neighbours_are_the_nearest() -> None:
    rows, points = table(30, 0).inputs["features"], table(11, 1).inputs["features"]
    found = neighbours(rows, points, 4)
    expected = torch.cdist(rows, points).argsort(1)[:, :4]
    assert torch.equal(found, expected)
    assert not bool((neighbours(rows, rows, 4, apart=True) == torch.arange(30)[:, None]).any())
    assert neighbours(points[:1], points[:1], 3, apart=True).shape == (1, 0)


def test_without_a_laplacian_there_is_simpleshot() -> None:
    support, rows = table(7, 0), table(20, 1).inputs["features"]
    ours = scores(learner("laplacian_shot", strength=0), support, rows)
    assert torch.allclose(ours, scores(learner("simpleshot"), support, rows).log_softmax(1), atol=1e-5)


def test_a_laplacian_costs_nothing_where_few_rows_are_asked() -> None:
    """Two rows a class: with the three neighbours of a larger query each has at least two of other classes."""
    right = {"simpleshot": 0.0, "laplacian_shot": 0.0}
    for seed in range(100):
        draw = torch.Generator().manual_seed(seed)
        means = 0.4 * torch.randn(4, 64, generator=draw)
        known, asked = (means[torch.arange(n) % 4] + torch.randn(n, 64, generator=draw) for n in (4, 8))
        support = Examples({"features": known}, torch.arange(4), Classes(("a", "b", "c", "d")))
        for name in right:
            made = make(name, encoder="conv4", encoder_settings={"bands": 1, "width": 64}, outputs=4)
            answers = made.adapt(support).predict({"features": asked})
            right[name] += float((answers == torch.arange(8) % 4).float().mean()) / 100
    assert right["laplacian_shot"] > right["simpleshot"] - 0.02 and right["simpleshot"] > 0.5


def test_a_query_of_one_row_a_class_has_no_neighbours() -> None:
    support, rows = table(7, 0), table(5, 1).inputs["features"]
    alone = scores(learner("simpleshot"), support, rows).log_softmax(1)
    assert torch.allclose(scores(learner("laplacian_shot", strength=5.0), support, rows), alone, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_query_is_answered_together_in_any_order(name: str) -> None:
    found, support, rows = learner(name), table(3, 0, noise=0.9), table(30, 50).inputs["features"]
    together, order = scores(found, support, rows), torch.randperm(30, generator=torch.Generator().manual_seed(0))
    assert found.transductive and torch.allclose(scores(found, support, rows[order]), together[order], atol=1e-3)
    assert not torch.allclose(scores(found, support, rows[:7]), together[:7], atol=1e-3)


def test_rows_that_agree_among_each_other_keep_what_they_agreed_on() -> None:
    support, rows = table(3, 0), table(30, 50).inputs["features"]
    drawn = drawn_places(rows, 20, 0)
    some = scores(learner("laplacian_shot", most=20, strength=3.0), support, rows)
    assert torch.allclose(some[drawn], scores(learner("laplacian_shot", strength=3.0), support, rows[drawn]), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_subset_of_the_query_stands_for_it(name: str) -> None:
    support, query = table(6, 0), table(120, 1, noise=0.2)
    every, some = (learner(name, most=most).adapt(support).predict(query.inputs) for most in (120, 60))
    assert float((every == some).float().mean()) > 0.9
    assert len(drawn_rows(query.inputs["features"], 60, 0)) == 60


@pytest.mark.parametrize("name", NAMES)
def test_a_class_without_a_label_has_no_share_of_the_query(name: str) -> None:
    support, query = table(6, 0), table(18, 1)
    kept = support.targets != 1
    seen = Examples({"features": support.inputs["features"][kept]}, support.targets[kept], CLASSES)
    found = scores(learner(name), seen, query.inputs["features"])
    two = Classes(("a", "c"))
    without = Examples(seen.inputs, seen.targets // 2, two)
    expected = scores(learner(name), without, query.inputs["features"])
    assert torch.allclose(found[:, [0, 2]].log_softmax(1), expected.log_softmax(1), atol=1e-5)
    assert bool((found[:, 1] == CLOSED).all())


def test_transport_gives_each_class_an_equal_share() -> None:
    found = scores(learner("pt_map"), table(6, 0), table(30, 1).inputs["features"]).softmax(1)
    assert torch.allclose(found.sum(0), torch.full((3,), 10.0), atol=0.05)

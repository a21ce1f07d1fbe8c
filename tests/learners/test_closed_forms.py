"""Heads in closed form or as a convex programme: against scikit-learn, and finite differences of the solution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as ReferenceRidge
from sklearn.svm import LinearSVC

from handful.learner import Learner
from handful.learners import make
from handful.learners.metaoptnet import crammer_singer
from handful.problem import Classes
from handful.solvers import few, with_one
from handful.solvers.newton import logistic_steps
from handful.solvers.programs import Programme, interior_point, residuals, solution
from handful.task import Examples

PROBLEM = Classes(("a", "b", "c"))


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def answers(learner: Learner, table: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> np.ndarray:
    learner.net.double()
    predictor = learner.adapt(Examples({"features": table}, labels, PROBLEM))
    return predictor.outputs({"features": query}).mean.detach().numpy()


def uneven(rows: int) -> torch.Tensor:
    """Labels of which the first class has most."""
    return torch.tensor([0, 1, 2] + [0] * (rows - 3))


@pytest.mark.parametrize("rows", [6, 42])
def test_r2d2_is_scikit_learns_ridge_whatever_the_shots(rows: int) -> None:
    table, labels, query = drawn(rows, 12), uneven(rows), drawn(9, 12, seed=1)
    reference = ReferenceRidge(alpha=0.7, fit_intercept=False)
    reference.fit(with_one(table).numpy(), 2.0 * np.eye(3)[labels] - 1)
    ours = answers(make("r2d2", encoder="plain", penalty=0.7), table, labels, query)
    assert ours == pytest.approx(reference.predict(with_one(query).numpy()), abs=1e-6)


def test_classes_of_0_and_1_give_the_same_chances_as_the_doubled_scale() -> None:
    """The paper's targets; with a column of ones the two differ by the same number in every class."""
    table, labels, query = drawn(7, 12), uneven(7), drawn(9, 12, seed=1)
    ours = torch.from_numpy(answers(make("r2d2", encoder="plain", penalty=0.7), table, labels, query))
    zero_one = ReferenceRidge(alpha=0.7, fit_intercept=False).fit(with_one(table).numpy(), np.eye(3)[labels])
    theirs = torch.from_numpy(2 * zero_one.predict(with_one(query).numpy()))
    assert torch.allclose(ours.softmax(1), theirs.softmax(1), atol=1e-6)


@pytest.mark.parametrize("rows", [6, 42])
def test_lrd2_goes_to_scikit_learns_logistic_regression(rows: int) -> None:
    table, labels, query = drawn(rows, 12), torch.arange(rows) % 3, drawn(9, 12, seed=1)
    ours = answers(make("lrd2", encoder="plain", penalty=0.5, steps=20), table, labels, query)
    for column in range(3):
        reference = LogisticRegression(C=1 / 0.5, fit_intercept=False, tol=1e-12, max_iter=10_000)
        reference.fit(with_one(table).numpy(), labels.numpy() == column)
        assert ours[:, column] == pytest.approx(reference.decision_function(with_one(query).numpy()), abs=1e-5)


def test_lrd2s_last_newton_step_leaves_no_slope_and_its_path_ends_in_the_answer() -> None:
    table, yes = drawn(9, 4), (torch.arange(9) % 3)[:, None] == torch.arange(3)
    *_, weights = logistic_steps(table, yes.double(), 0.3, 20)
    slope = table.T @ (torch.sigmoid(table @ weights) - yes.double()) + 0.3 * weights
    assert float(slope.abs().max()) < 1e-9
    learner = make("lrd2", encoder="plain", steps=3)
    support, query = Examples({"features": table.float()}, torch.arange(9) % 3, PROBLEM), {"features": table.float()}
    path = list(learner.path(support))
    assert len(path) == 3
    assert torch.equal(path[-1].outputs(query).mean, learner.adapt(support).outputs(query).mean)


@pytest.mark.parametrize("rows, columns, cost", [(10, 6, 0.1), (20, 3, 1.0)])
def test_metaoptnet_is_the_machine_of_crammer_and_singer(rows: int, columns: int, cost: float) -> None:
    table, labels, query = drawn(rows, columns), torch.arange(rows) % 3, drawn(9, columns, seed=1)
    reference = LinearSVC(
        multi_class="crammer_singer", C=cost, fit_intercept=False, tol=1e-10, max_iter=1_000_000, random_state=0
    )
    reference.fit(table.numpy(), labels.numpy())
    ours = answers(make("metaoptnet", encoder="plain", cost=cost), table, labels, query)
    assert ours == pytest.approx(reference.decision_function(query.numpy()), abs=1e-4)


def test_metaoptnets_gradient_is_that_of_finite_differences() -> None:
    table, toward = drawn(8, 5).requires_grad_(), drawn(5, 3, seed=1)
    chosen = torch.nn.functional.one_hot(torch.arange(8) % 3, 3).double()

    def value(table: torch.Tensor) -> torch.Tensor:
        dual = solution(crammer_singer(table, chosen, 0.3)).view(8, 3)
        return ((table.T @ dual) * toward).sum()

    (slope,) = torch.autograd.grad(value(table), table)
    for row, column in [(0, 0), (3, 2), (7, 4)]:
        side = torch.zeros_like(table)
        side[row, column] = 1e-5
        with torch.no_grad():
            expected = float(value(table + side) - value(table - side)) / 2e-5
        assert float(slope[row, column]) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def random_programme(seed: int) -> Programme:
    root, inside = drawn(4, 4, seed=seed), drawn(4, seed=seed + 1)
    G, A = drawn(6, 4, seed=seed + 2), drawn(1, 4, seed=seed + 3)
    h = G @ inside + drawn(6, seed=seed + 4).abs()
    return Programme(root @ root.T, drawn(4, seed=seed + 5), G, h, A, A @ inside)


def test_a_programme_is_scipys_and_a_batch_is_its_parts() -> None:
    programmes = [random_programme(seed) for seed in (0, 10, 20)]
    batch = solution(Programme(*(torch.stack(part) for part in zip(*programmes, strict=True))))
    for programme, together in zip(programmes, batch, strict=True):
        Q, p, G, h, A, b = (part.numpy() for part in programme)
        limits = [{"type": "ineq", "fun": lambda z, G=G, h=h: h - G @ z}]
        limits.append({"type": "eq", "fun": lambda z, A=A, b=b: A @ z - b})
        found = minimize(
            lambda z, Q=Q, p=p: 0.5 * z @ Q @ z + p @ z, np.zeros(4), method="SLSQP", constraints=limits, tol=1e-12
        )
        assert together.numpy() == pytest.approx(found.x, abs=1e-5)
        assert float(max(fault.abs().max() for fault in residuals(programme, interior_point(programme)))) < 1e-9


def test_few_rows_are_dealt_from_every_class_and_the_same_each_time() -> None:
    labels = torch.tensor([0] * 90 + [1] * 8 + [2] * 2)
    kept = few(labels, 12, seed=3)
    assert torch.bincount(labels[kept]).tolist() == [5, 5, 2]
    assert torch.equal(kept, few(labels, 12, seed=3)) and torch.equal(few(labels, 100, 3), torch.arange(100))
    assert not torch.equal(kept, few(labels, 12, seed=4))

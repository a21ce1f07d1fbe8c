"""Posteriors against their closed forms, particles against gradient descent, processes against scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct

from handful.learner import Learner
from handful.learners import make
from handful.problem import Classes, Prediction, Quantity
from handful.solvers import Weights, descent, plain, support_loss, with_one
from handful.solvers.kernels import JITTER, linear, log_marginal, noisy_root, posterior, radial
from handful.solvers.stein import stein_direction
from handful.task import Examples, Task

CLASSES, HEIGHT = Classes(("a", "b", "c")), Quantity("height", "m")


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def answer(learner: Learner, table: torch.Tensor, targets: torch.Tensor, query: torch.Tensor) -> Prediction:
    problem = HEIGHT if targets.is_floating_point() else CLASSES
    learner.net.double()
    with torch.no_grad():
        return learner.adapt(Examples({"features": table}, targets, problem)).outputs({"features": query})


def shaken(name: str, width: int = 4, **settings: object) -> Learner:
    """A learner whose learned numbers are anything, on features of this width."""
    learner = make(name, encoder="conv4", encoder_settings={"bands": 2, "width": width}, **settings)
    learner.net.double()
    for at, weight in enumerate(learner.net.head.parameters()):
        weight.data += 0.3 * drawn(*weight.shape, seed=at)
    return learner


def test_alpacas_posterior_is_that_of_a_gaussian_process_with_the_same_prior() -> None:
    """Weights of prior N(K0, s^2 (L0 L0')^-1) are a process of mean K0'x and kernel s^2 x'(L0 L0')^-1 x."""
    learner, table, query = shaken("alpaca"), drawn(7, 4), drawn(5, 4, seed=1)
    targets = drawn(7, seed=2)
    targets = (targets - targets.mean()) / targets.std(correction=0)
    found = answer(learner, table, targets, query)
    prior = learner.net.head
    noise = prior.log_deviation.exp().square()
    covariance = noise * torch.linalg.inv(prior.root @ prior.root.T)
    x, z = with_one(table), with_one(query)
    gram = x @ covariance @ x.T + noise * torch.eye(7)
    gain = torch.linalg.solve(gram, x @ covariance @ z.T).T
    mean = z @ prior.mean + gain @ (targets[:, None] - x @ prior.mean)
    variance = (z @ covariance @ z.T - gain @ x @ covariance @ z.T).diagonal()[:, None] + noise
    assert torch.allclose(found.mean, mean, atol=1e-8) and torch.allclose(found.variance, variance, atol=1e-8)


def test_pcocs_scores_are_the_log_of_gaussian_posteriors() -> None:
    learner, table, query = shaken("pcoc"), drawn(8, 4), drawn(5, 4, seed=1)
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2])
    found = answer(learner, table, labels, query).mean.log_softmax(1)
    prior, wanted = learner.net.head, []
    start, inner = prior.log_precision.exp().detach(), prior.log_inner.exp().detach()
    for label in range(3):
        own = table[labels == label]
        precision = start + len(own) * inner
        mean = (start * prior.mean.detach() + inner * own.sum(0)) / precision
        near = multivariate_normal(mean.numpy(), np.diag((1 / precision + 1 / inner).numpy()))
        wanted.append(near.logpdf(query.numpy()) + math.log(float(prior.log_count.detach().exp()) + len(own)))
    assert torch.allclose(found, torch.from_numpy(np.stack(wanted, 1)).log_softmax(1), atol=1e-8)


@pytest.mark.parametrize("kernel", ["radial", "linear"])
def test_dkts_process_is_scikit_learns(kernel: str) -> None:
    learner, table, query = make("dkt", encoder="plain", kernel=kernel), drawn(9, 3), drawn(5, 3, seed=1)
    learner.net.double()
    process, size, length, noise = learner.net.head, 1.7, 0.8, 0.2
    for weight, value in ((process.log_size, size), (process.log_length, length), (process.log_noise, noise)):
        weight.data.fill_(math.log(value))
    targets = drawn(9, seed=2)
    targets = (targets - targets.mean()) / targets.std(correction=0)
    found = answer(learner, table, targets, query)
    inner = RBF(length) if kernel == "radial" else ConstantKernel(length**-2) * DotProduct(1e-6)
    jitter = JITTER * float(process.own(table).mean().detach())
    reference = GaussianProcessRegressor(ConstantKernel(size) * inner, alpha=noise + jitter, optimizer=None)
    mean, deviation = reference.fit(table.numpy(), targets.numpy()).predict(query.numpy(), return_std=True)
    assert found.mean[:, 0].numpy() == pytest.approx(mean, abs=1e-7)
    assert found.variance[:, 0].numpy() == pytest.approx(deviation**2 + noise, abs=1e-7)
    both = Task(
        Examples({"features": table[:6]}, targets[:6], HEIGHT), Examples({"features": table[6:]}, targets[6:], HEIGHT)
    )
    likelihood = reference.log_marginal_likelihood_value_
    assert -9 * float(learner.task_loss(both).detach()) == pytest.approx(likelihood, abs=1e-6)


def test_one_process_an_answer_adds_likelihoods_and_keeps_means_apart() -> None:
    table, numbers = drawn(6, 3), drawn(6, 2, seed=1)
    root = noisy_root(radial(table, table), torch.tensor(0.1))
    apart = [log_marginal(root, numbers[:, at : at + 1]) for at in range(2)]
    assert torch.allclose(log_marginal(root, numbers), sum(apart))
    cross, own = radial(table, table[:2]), torch.ones(2)
    mean, _ = posterior(root, numbers, cross, own)
    assert torch.allclose(mean[:, :1], posterior(root, numbers[:, :1], cross, own)[0])
    assert linear(table, table).shape == (6, 6)


@pytest.mark.parametrize("kind", ["classes", "quantity"])
def test_versa_does_not_see_the_supports_order(kind: str) -> None:
    table, query, other = drawn(8, 4), drawn(5, 4, seed=1), torch.tensor([3, 1, 7, 0, 2, 6, 5, 4])
    targets = torch.arange(8) % 3 if kind == "classes" else drawn(8, seed=2)
    learner = shaken("versa")
    first, second = (answer(learner, table[at], targets[at], query) for at in (torch.arange(8), other))
    assert torch.allclose(first.mean, second.mean, atol=1e-9)
    assert (first.variance is None) == (kind == "classes")


def test_versas_many_draws_are_its_gaussian_of_weights() -> None:
    """Of a quantity the predictive mean and variance are closed forms, which the draws approach."""
    learner, table, query = shaken("versa", draws=20_000), drawn(8, 4), drawn(5, 4, seed=1)
    targets = drawn(8, seed=2)
    targets = (targets - targets.mean()) / targets.std(correction=0)
    found, head = answer(learner, table, targets, query), learner.net.head
    mean, log_variance = head((table * targets[:, None]).mean(0, keepdim=True))
    wanted = with_one(query).square() @ log_variance.exp().T + head.log_noise.exp()
    assert torch.allclose(found.mean, with_one(query) @ mean.T, atol=0.1)
    assert torch.allclose(found.variance, wanted, rtol=0.1)


def test_a_mixture_is_the_mean_of_chances_or_of_gaussians() -> None:
    scores, values = drawn(4, 5, 3), Prediction(drawn(4, 5, 1), drawn(4, 5, 1, seed=1).square())
    assert torch.allclose(CLASSES.mixture(Prediction(scores)).mean.exp(), scores.softmax(2).mean(0))
    mixed = HEIGHT.mixture(values)
    second = (values.variance + values.mean.square()).mean(0)
    assert torch.allclose(mixed.mean, values.mean.mean(0))
    assert torch.allclose(mixed.variance, second - mixed.mean.square())


def test_one_stein_particle_climbs_and_two_keep_apart() -> None:
    slopes = drawn(1, 3)
    assert torch.allclose(stein_direction(drawn(1, 3, seed=1), slopes), slopes)
    near = torch.tensor([[0.0, 0.0], [0.1, 0.0]], dtype=torch.float64)
    away = stein_direction(near, torch.zeros_like(near))
    assert float(away[0, 0]) < 0 < float(away[1, 0]) and torch.allclose(away.sum(0), torch.zeros(2).double())


def test_stein_directions_are_the_sum_over_pairs() -> None:
    particles, slopes = drawn(4, 3), drawn(4, 3, seed=1)
    pairs = [(particles[i] - particles[j]).square().sum() for i in range(4) for j in range(i)]
    width = torch.stack(pairs).median() / math.log(5)
    for i in range(4):
        wanted = torch.zeros(3).double()
        for j in range(4):
            other = particles[j].clone().requires_grad_()
            kernel = torch.exp(-(other - particles[i]).square().sum() / width)
            wanted += (kernel.detach() * slopes[j] + torch.autograd.grad(kernel, other)[0]) / 4
        assert torch.allclose(stein_direction(particles, slopes)[i], wanted, atol=1e-10)


SMALL = {"bands": 2, "width": 4, "blocks": 1, "kernel": 3, "windows": (3,)}


def pixels(seed: int = 0) -> Examples:
    return Examples(drawn(2, 2, 5, 6, seed=seed), (drawn(2, 5, 6, seed=seed + 1) > 0).long(), Classes(("a", "b")))


def test_one_particle_of_bayesian_maml_without_a_prior_is_mamls_descent() -> None:
    learner = make("bayesian_maml", encoder="dense", encoder_settings=SMALL, particles=1, precision=0.0, steps=3)
    learner.net.double()
    support, query = pixels(), pixels(seed=5)
    start = {name: w[0].detach() for name, w in learner.start().items() if name != "head.log_noise"}

    def loss(weights: Weights, step: int) -> torch.Tensor:
        return support_loss(learner.net, weights, support)

    *_, moved = descent(loss, start, steps=3, rule=plain(0.1), second_order=False)
    wanted = learner.one(moved, query.inputs).mean.log_softmax(1)
    assert torch.allclose(learner.adapt(support).outputs(query.inputs).mean.log_softmax(1), wanted, atol=1e-8)


def test_bayesian_mamls_particles_follow_leaders_that_are_constants() -> None:
    learner = make("bayesian_maml", encoder="dense", encoder_settings=SMALL, particles=2, steps=0)
    learner.net.double().train()
    task = Task(pixels(), pixels(seed=5))
    learner.task_loss(task).backward()
    start = learner.start()
    *_, leaders = learner.stein([task.support, task.query], start, 1, lead=True)
    name = "head.weight"  # of the first particle: the slope of |w - leader|^2, with the leader held
    assert torch.allclose(learner.net.head.weight.grad, 2 * (start[name] - leaders[name].detach())[0].detach())


def test_all_particles_begin_with_an_encoder_that_is_given_and_with_heads_of_their_own() -> None:
    learner = make("bayesian_maml", encoder="dense", encoder_settings=SMALL, particles=3)
    given = make("ridge", encoder="dense", encoder_settings=SMALL, seed=7).net.encoder
    learner.take_encoder(given)
    start = learner.start()
    for name, weight in given.named_parameters():
        assert all(torch.equal(particle, weight) for particle in start[f"encoder.{name}"])
    assert len({tuple(particle.flatten().tolist()) for particle in start["head.weight"]}) == 3

"""Learners that compare: pairs, attention and relation scores by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from handful.errors import SettingsError
from handful.learner import Learner
from handful.learners import make
from handful.problem import Classes, Quantity
from handful.solvers import in_drawn_order
from handful.solvers.pairs import pairwise
from handful.task import Examples, Task

WIDTH, CLASSES = 5, Classes(("a", "b", "c"))


def examples(targets: list[int], seed: int) -> Examples:
    draw = torch.Generator().manual_seed(seed)
    return Examples({"features": torch.randn(len(targets), WIDTH, generator=draw)}, torch.tensor(targets), CLASSES)


SUPPORT, QUERY = examples([0, 1, 2, 1, 0, 0], 0), examples([2, 0, 1, 1], 1)


def learner(name: str, **settings: object) -> Learner:
    return make(name, encoder="conv4", encoder_settings={"bands": 1, "width": WIDTH}, **settings)


def scores(learner: Learner, support: Examples = SUPPORT) -> torch.Tensor:
    return learner.adapt(support).outputs(QUERY.inputs).mean


def test_pairs_are_every_row_with_every_other_however_many_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, others = QUERY.inputs["features"], SUPPORT.inputs["features"]
    expected = (rows[:, None] - others).square().sum(2) + rows[:, None, 0]
    monkeypatch.setattr("handful.solvers.pairs.AT_ONCE", 7)
    with torch.no_grad():
        found = pairwise(lambda a, b: (a - b).square().sum(1) + a[:, 0], rows, others)
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_siamese_pair_is_the_same_either_way_and_its_class_the_surest() -> None:
    found = learner("siamese")
    head, known, asked = found.net.head, SUPPORT.inputs["features"], QUERY.inputs["features"]
    assert torch.equal(pairwise(head, asked, known), pairwise(head, known, asked).T)
    weights, shift = head.weigh.weight[0], head.weigh.bias
    by_hand = ((asked[:, None] - known).abs() * weights).sum(2) + shift
    best = torch.stack([by_hand[:, SUPPORT.targets == c].amax(1) for c in range(3)], 1)
    assert torch.allclose(scores(found), best, atol=1e-6)


def test_siamese_learns_verification_with_both_verdicts_alike() -> None:
    found = learner("siamese")
    odds = pairwise(found.net.head, QUERY.inputs["features"], SUPPORT.inputs["features"])
    same = QUERY.targets[:, None] == SUPPORT.targets
    expected = (F.softplus(-odds)[same].mean() + F.softplus(odds)[~same].mean()) / 2
    assert torch.allclose(found.task_loss(Task(SUPPORT, QUERY)), expected)


def test_matching_is_attention_by_hand() -> None:
    cosines = F.cosine_similarity(QUERY.inputs["features"][:, None], SUPPORT.inputs["features"], dim=2)
    shares = cosines.exp() / cosines.exp().sum(1, keepdim=True)
    expected = torch.stack([shares[:, SUPPORT.targets == c].sum(1) for c in range(3)], 1)
    assert torch.allclose(scores(learner("matching")).exp(), expected, atol=1e-6)
    numbers = Examples(SUPPORT.inputs, 10.0 * SUPPORT.targets, Quantity("moisture", "%"))
    assert torch.allclose(scores(learner("matching"), numbers)[:, 0], shares @ numbers.targets, atol=1e-4)


def reordered(support: Examples, order: torch.Tensor) -> Examples:
    return Examples({"features": support.inputs["features"][order]}, support.targets[order], CLASSES)


def test_the_order_of_the_support_matters_to_full_context_alone() -> None:
    """The paper reads the support by an LSTM, a sequence; nothing is the same for a set in another order."""
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    for name, same in (("matching", True), ("matching_fce", False)):
        first, other = scores(learner(name)), scores(learner(name), reordered(SUPPORT, order))
        assert torch.allclose(first, other, atol=1e-6) == same


def test_full_context_is_its_equations() -> None:
    found = learner("matching_fce", reads=2)
    head, rows = found.net.head, QUERY.inputs["features"]
    known, targets = in_drawn_order(SUPPORT.inputs["features"], SUPPORT.targets, found.seed)
    support = sum(head.along(known)[0].chunk(2, 1)) + known
    state = cell = torch.zeros_like(rows)
    for _ in range(2):
        read = torch.einsum("nm,md->nd", (state @ support.T).softmax(1), support)
        gates = torch.cat([rows, read], 1) @ head.read.weight_ih.T + head.read.bias_ih
        into, forget, new, out = (gates + state @ head.read.weight_hh.T + head.read.bias_hh).chunk(4, 1)
        cell = forget.sigmoid() * cell + into.sigmoid() * new.tanh()
        state = out.sigmoid() * cell.tanh() + rows
    shares = F.cosine_similarity(state[:, None], support, dim=2).softmax(1)
    expected = torch.stack([shares[:, targets == c].sum(1) for c in range(3)], 1)
    assert torch.allclose(scores(found).exp(), expected, atol=1e-5)


def test_relations_loss_is_the_squared_error_of_sums_compared() -> None:
    found = learner("relation")
    sums = torch.stack([SUPPORT.inputs["features"][SUPPORT.targets == c].sum(0) for c in range(3)])
    rows = QUERY.inputs["features"]
    odds = torch.stack([found.net.head(total.expand(len(rows), -1), rows) for total in sums], 1)
    by_hand = (odds - math.log(2)).sigmoid()  # one of three classes is right before a look
    assert torch.allclose(scores(found).sigmoid(), by_hand, atol=1e-6)
    expected = F.mse_loss(by_hand, F.one_hot(QUERY.targets, 3).float())
    assert torch.allclose(found.task_loss(Task(SUPPORT, QUERY)), expected, atol=1e-6)


def omniglot(**settings: object) -> Learner:
    return make("relation", encoder="conv4", encoder_settings={"bands": 1, "width": 8, "side": 28, **settings})


def test_relation_compares_maps_by_convolutions_where_the_encoder_leaves_them() -> None:
    found, images = omniglot(halvings=2, batch_norm=True), torch.rand(6, 1, 28, 28)
    assert found.net.head.shape == (16, 7, 7)
    shifted = found.net.encode(images).unflatten(1, (8, 7, 7)).roll(1, 3).flatten(1)
    assert not torch.allclose(found.net.head(shifted, shifted), found.net.head(*2 * [found.net.encode(images)]))
    support = Examples(images[:3], torch.arange(3), CLASSES)
    assert found.adapt(support).outputs(images[3:]).mean.shape == (3, 3)
    with pytest.raises(SettingsError, match="halvings"):
        omniglot()


def test_relation_compares_by_the_statistics_of_the_pairs_where_the_encoder_has_its_own() -> None:
    found = omniglot(halvings=2, batch_norm=True, own_statistics=True)
    one, other = torch.rand(2, 4, 8 * 7 * 7).unbind()
    together, alone = found.net.head(one, other), found.net.head(one[:2], other[:2])
    assert not torch.allclose(together[:2], alone)
    apart = omniglot(halvings=2, batch_norm=True).net.head
    assert torch.allclose(apart(one, other)[:2], apart(one[:2], other[:2]), atol=1e-6)

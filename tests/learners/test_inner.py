"""Learners that descend otherwise than MAML: each against a closed form, or the identity that makes it what it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from handful.encoders.named import place
from handful.errors import SettingsError, TaskError
from handful.learner import Learner
from handful.learners import make
from handful.problem import Classes, Prediction, Quantity
from handful.solvers import with_one
from handful.solvers.implicit import conjugate_gradient
from handful.solvers.lstm_cell import scaled
from handful.task import Examples, Inputs, Task

TWO = Classes(("a", "b"))
ENCODERS = {
    "dense": {"bands": 3, "width": 4, "blocks": 1, "kernel": 3, "windows": (3,)},
    "conv4": {"bands": 3, "width": 4},
    "random_conv": {"bands": 3, "width": 6},
}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def doubled(name: str, encoder: str = "conv4", **settings: object) -> Learner:
    learner = make(name, encoder=encoder, encoder_settings=ENCODERS[encoder], **settings)
    learner.net.double()
    return learner


def images(seed: int = 0, classes: Classes = TWO, count: int = 8) -> Examples:
    return Examples(drawn(count, 3, 16, 16, seed=seed), torch.arange(count) % classes.outputs, classes)


def table(learner: Learner, count: int = 8) -> Examples:
    """Examples that are features already: only the head is in play, which is then linear."""
    features = drawn(count, int(learner.net.encoder.width))  # type: ignore[arg-type]
    return Examples({"features": features}, torch.arange(count) % 2, TWO)


def answers(learner: Learner, support: Examples, inputs: Inputs) -> Tensor:
    return learner.adapt(support).outputs(inputs).mean.detach()


@pytest.mark.parametrize("encoder, where", [("conv4", "encoder.layers.2.2.context"), ("dense", "head.0.context")])
def test_cavia_moves_its_context_and_nothing_else(encoder: str, where: str) -> None:
    learner, support = doubled("cavia", encoder, context=5, steps=1, step_size=0.5), images()
    if encoder == "dense":
        support = table(learner)
    assert place(learner.net, "context") == where and learner.moves_encoder == (encoder == "conv4")
    context = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    said = functional_call(learner.net, {where: context}, (support.inputs,))
    (slope,) = torch.autograd.grad(TWO.loss(Prediction(said), support.targets), context)
    moved = functional_call(learner.net, {where: -0.5 * slope}, (support.inputs,))
    assert float(slope.abs().max()) > 0
    assert torch.allclose(answers(learner, support, support.inputs), moved.detach())


@pytest.mark.parametrize("encoder", ["conv4", "dense"])
def test_a_context_can_change_which_of_two_inputs_has_the_higher_score(encoder: str) -> None:
    learner = doubled("cavia", encoder, context=5)
    inputs = images().inputs if encoder == "conv4" else table(learner).inputs
    where = str(place(learner.net, "context"))
    ranks = {
        tuple(functional_call(learner.net, {where: 5 * drawn(5, seed=seed)}, (inputs,))[:, 0].argsort().tolist())
        for seed in range(10)
    }
    assert len(ranks) > 1


@pytest.mark.parametrize("encoder", ["conv4", "dense"])
def test_a_fresh_cavia_hears_its_context(encoder: str) -> None:
    """It would never learn otherwise: outer steps only make more of what a context already does."""
    learner = doubled("cavia", encoder, steps=1)
    support = images() if encoder == "conv4" else table(learner)
    before, after = (answer.outputs(support.inputs).mean for answer in learner.path(support))
    assert (after - before).abs().max() > 0.1


@pytest.mark.parametrize("name", ["cavia", "timl"])
def test_a_plain_encoders_weights_are_taken_and_modulated_by_nothing_at_first(name: str) -> None:
    plain, told, inputs = doubled("protonet", seed=1), doubled(name), images().inputs
    told.take_encoder(plain.net.encoder)
    assert torch.equal(told.net.encode(inputs), plain.net.encode(inputs))
    again = doubled(name, seed=2)
    again.take_encoder(told.net.encoder)
    assert torch.equal(again.net.encode(inputs), plain.net.encode(inputs))
    with pytest.raises(SettingsError, match="the learned encoder reads a context, and this learner gives none"):
        plain.take_encoder(told.net.encoder)


def test_a_context_of_another_length_is_no_start() -> None:
    with pytest.raises(SettingsError, match="one of another length"):
        doubled("cavia", context=5).take_encoder(doubled("cavia", context=6).net.encoder)


def test_a_named_input_is_no_setting_of_the_encoder() -> None:
    with pytest.raises(SettingsError, match="context"):
        make("maml", encoder="conv4", encoder_settings={"bands": 3, "context": 5})
    assert place(make("maml", encoder="conv4", encoder_settings={"bands": 3}).net, "context") is None


def test_a_step_on_a_transformed_bias_is_not_a_step_on_the_bias() -> None:
    """With the slope g of the scores, the bias W2 z + b moves to (W2 - s g z') (z - s W2' g) + b - s g."""
    learner, size = doubled("bias_transformation", length=3, hidden=(), step_size=0.3, moves="head."), 0.3
    support = table(learner)
    head = learner.net.head
    torch.nn.init.normal_(head.vector)
    x, (layer,) = support.inputs["features"], head.layers
    width = x.shape[1]
    w1, w2, z, b = layer.weight[:, :width], layer.weight[:, width:], head.vector, layer.bias
    rows = torch.softmax(x @ w1.T + w2 @ z + b, 1) - torch.eye(2)[support.targets]
    g = rows.mean(0)
    bias = (w2 - size * torch.outer(g, z)) @ (z - size * w2.T @ g) + b - size * g
    expected = x @ (w1 - size * rows.T @ x / len(x)).T + bias
    assert torch.allclose(answers(learner, support, support.inputs), expected.detach())
    assert not torch.allclose(bias, w2 @ z + b - size * g, atol=1e-3)  # what a plain bias would do


def test_conjugate_gradients_solve() -> None:
    root, wanted = drawn(6, 6), drawn(6, seed=1)
    matrix = root @ root.T + torch.eye(6)
    assert torch.allclose(conjugate_gradient(lambda v: matrix @ v, wanted, 6), torch.linalg.solve(matrix, wanted))
    assert torch.equal(conjugate_gradient(lambda v: -v, wanted, 6), torch.zeros(6, dtype=torch.float64))


def test_imamls_gradient_is_that_through_the_exact_minimum_of_the_inner_problem() -> None:
    """On fixed features, for a quantity: |X w - y|^2 / n + pull / 2 |w - start|^2 has its minimum in closed form."""
    pull, quantity = 2.0, Quantity("height", "m")
    how = {"pull": pull, "steps": 1000, "step_size": 0.05, "conjugate_steps": 20}
    learner = doubled("imaml", "random_conv", outputs=1, **how)
    support, query = (Examples(0.1 * images(s).inputs, 7 + drawn(8, seed=s + 1), quantity) for s in (0, 5))
    head, features = learner.net.head, learner.net.encode
    learner.net.train()
    loss = learner.task_loss(Task(support, query))
    loss.backward()

    start = torch.cat([head.weight[0], head.bias]).detach().requires_grad_()
    x, y = with_one(features(support.inputs)), quantity.standardise(support.targets)
    inner = 2 / len(x) * x.T @ x + pull * torch.eye(x.shape[1])
    ended = torch.linalg.solve(inner, 2 / len(x) * x.T @ y + pull * start)
    said = quantity.restore(Prediction((with_one(features(query.inputs)) @ ended)[:, None]), support.targets)
    expected = quantity.loss(said, query.targets)
    expected.backward()
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-6)
    assert torch.allclose(torch.cat([head.weight.grad[0], head.bias.grad]), start.grad, rtol=1e-5)


def test_an_lstm_that_forgets_nothing_and_lets_all_in_alike_is_gradient_descent() -> None:
    learner, support = doubled("lstm_meta_learner", steps=3), images()
    cell = learner.net.head.cell
    for gate, value in ((cell.forget, 50.0), (cell.input, float(torch.tensor(0.1).logit()))):
        torch.nn.init.zeros_(gate.weight)
        torch.nn.init.constant_(gate.bias, value)
    plain = doubled("maml", steps=3, step_size=0.1)
    plain.net.encoder.load_state_dict(learner.net.encoder.state_dict())
    plain.net.head.load_state_dict(learner.net.head.linear.state_dict())
    query = images(seed=1).inputs
    assert torch.allclose(answers(learner, support, query), answers(plain, support, query), atol=1e-6)
    assert len(list(learner.path(support))) == 4


def test_the_lstms_scaling_is_the_papers() -> None:
    numbers = torch.tensor([1.0, -torch.e, 1e-9], dtype=torch.float64)
    expected = torch.tensor([[0.0, 1.0], [0.1, -1.0], [-1.0, torch.e**10 * 1e-9]], dtype=torch.float64)
    assert torch.allclose(scaled(numbers), expected)


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c", "d")])
def test_one_net_of_meteor_serves_any_number_of_classes_in_any_order(names: tuple[str, ...]) -> None:
    learner, support = doubled("meteor", outputs=2, steps=3), images(classes=Classes(names))
    query = images(seed=1).inputs
    scores = answers(learner, support, query)
    turned = answers(learner, replace(support, targets=support.targets.roll(1)), query)
    assert scores.shape[1] == len(names) and learner.net.head.out_features == 1
    again = replace(support, targets=(support.targets + 1) % len(names))
    assert torch.allclose(answers(learner, again, query).roll(-1, 1), scores)
    assert not torch.allclose(turned, scores)
    before = next(learner.path(support)).outputs(query).mean
    assert torch.equal(before, before[:, :1].expand_as(before))  # all classes start alike


def with_information(examples: Examples, *told: float) -> Examples:
    row = torch.tensor([told], dtype=torch.float64).expand(len(examples), -1)
    return replace(examples, inputs={"bands": examples.inputs, "task": row})


def test_timl_answers_by_what_it_is_told() -> None:
    learner, support, query = doubled("timl", sizes=(8, 4)), images(), images(seed=1).inputs
    here, same, there = (answers(learner, with_information(support, *told), query) for told in PLACES)
    assert torch.equal(here, same)
    assert not torch.allclose(here, there)
    assert torch.equal(answers(learner, support, query), answers(learner, with_information(support, 0, 0, 0), query))
    with pytest.raises(TaskError, match="information = 2"):
        learner.adapt(with_information(support, 1.0, 2.0))


PLACES = ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.6, -0.8))


def test_timl_that_is_not_modulated_is_maml() -> None:
    learner, plain = (doubled(name, steps=3, step_size=0.1) for name in ("timl", "maml"))
    told = str(place(learner.net, "context")).removesuffix("context")
    torch.nn.init.zeros_(learner.net.get_parameter(f"{told}linear.weight"))
    shared = {n: w for n, w in learner.net.encoder.named_parameters() if not f"encoder.{n}".startswith(told)}
    for weight, same in zip(plain.net.encoder.parameters(), shared.values(), strict=True):
        weight.data.copy_(same.data)
    plain.net.head.load_state_dict(learner.net.head.classify.state_dict())
    support, query = with_information(images(), 1.0, 0.0, 0.0), images(seed=1).inputs
    assert torch.allclose(answers(learner, support, query), answers(plain, images(), query))


def test_timl_forgets_a_task_that_it_knows_and_only_that() -> None:
    learner = doubled("timl", sizes=(8, 4), forget=100.0)
    learner.net.train()
    task, other = Task(images(), images(seed=1), "Togo"), Task(images(), images(seed=1), "Kenya")
    losses = [float(learner.task_loss(task).detach()) for _ in range(22)]
    assert all(loss > 0 for loss in losses[:20]) and losses[20:] == [0.0, 0.0]
    assert float(learner.task_loss(other).detach()) > 0
    assert float(learner.task_loss(replace(task, name="")).detach()) > 0

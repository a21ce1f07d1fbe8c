"""MAML's family: what each adds to it is what its paper says, and nothing where it is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from handful.checkpoint import load, save
from handful.errors import SettingsError
from handful.learner import Learner
from handful.learners import make
from handful.learners.reptile import minibatches
from handful.meta_train import Training, meta_train
from handful.problem import Classes
from handful.solvers import adam, descent, support_loss
from handful.solvers.hypergradient import Sgd
from handful.task import Examples, Task

FAMILY = ("maml", "anil", "boil", "meta_sgd", "maml_plus_plus", "alpha_maml", "proto_maml", "reptile")


def task(count: int = 6, seed: int = 3) -> Task:
    draw = torch.Generator().manual_seed(seed)
    problem = Classes(("a", "b"))
    images = torch.randn(2 * count, 3, 16, 16, generator=draw, dtype=torch.float64)
    targets = torch.arange(2 * count) % 2
    images[targets == 1] += 0.3
    return Task(Examples(images[:count], targets[:count], problem), Examples(images[count:], targets[count:], problem))


def made(name: str, training: bool = True, batch_norm: bool = False, **settings: object) -> Learner:
    inner = {"bands": 3, "width": 4, "batch_norm": batch_norm}
    learner = make(name, encoder="conv4", encoder_settings=inner, **settings)
    learner.net.double().train(training)
    return learner


def slopes(learner: Learner, episode: Task) -> dict[str, torch.Tensor]:
    learner.net.zero_grad()
    learner.task_loss(episode).backward()
    return {name: w.grad.clone() for name, w in learner.net.named_parameters() if w.grad is not None}


def answer(learner: Learner, episode: Task) -> torch.Tensor:
    return learner.adapt(episode.support).outputs(episode.query.inputs).mean


def check_slope(learner: Learner, episode: Task, name: str, index: int, epsilon: float = 1e-5) -> None:
    """The meta-gradient of one element equals finite differences."""
    slope = float(slopes(learner, episode)[name].flatten()[index])
    weight = dict(learner.net.named_parameters())[name].data
    place = tuple(int(at) for at in torch.unravel_index(torch.tensor(index), weight.shape))
    before, losses = float(weight[place]), []
    for side in (epsilon, -epsilon):
        weight[place] = before + side
        losses.append(float(learner.task_loss(episode).detach()))
    weight[place] = before
    assert slope == pytest.approx((losses[0] - losses[1]) / (2 * epsilon), rel=1e-4, abs=1e-8)


@pytest.mark.parametrize(("name", "stays"), [("anil", "encoder."), ("boil", "head.")])
def test_anil_leaves_the_encoder_and_boil_the_head(name: str, stays: str) -> None:
    learner = made(name, training=False)
    *_, moved = learner.descent(task().support)
    assert moved and not any(key.startswith(stays) for key in moved)
    kept = dict(learner.net.named_parameters())
    assert all(not torch.equal(w, kept[key]) for key, w in moved.items())


@pytest.mark.parametrize("name", FAMILY)
def test_a_path_has_a_predictor_before_the_first_step_and_after_each(name: str) -> None:
    episode = task()
    steps = {"test_steps": 3} if name == "reptile" else {"steps": 3}
    learner = made(name, training=False, **steps)
    path = list(learner.path(episode.support))
    assert len(path) == 4
    assert torch.equal(path[-1].outputs(episode.query.inputs).mean, answer(learner, episode))
    assert not torch.equal(path[0].outputs(episode.query.inputs).mean, answer(learner, episode))


def test_steps_of_the_test_are_taken_after_training_alone() -> None:
    episode = task()
    assert len(list(made("maml", steps=1, test_steps=3).path(episode.support))) == 2
    few, many = (made("maml", training=False, steps=1, test_steps=3), made("maml", training=False, steps=3))
    assert torch.equal(answer(few, episode), answer(many, episode))
    with pytest.raises(SettingsError, match="test_steps"):
        made("maml_plus_plus", test_steps=3)


@pytest.mark.parametrize("name", ["meta_sgd", "maml_plus_plus", "alpha_maml"])
def test_with_all_step_sizes_alike_it_is_maml(name: str) -> None:
    plain = {"multi_step": 0, "first_order": 0} if name == "maml_plus_plus" else {}
    ours, maml = made(name, steps=2, step_size=0.05, **plain), made("maml", steps=2, step_size=0.05)
    maml.net.load_state_dict({key: w for key, w in ours.net.state_dict().items() if "sizes" not in key})
    assert torch.allclose(answer(ours, task()), answer(maml, task()), rtol=1e-6)
    found, wanted = slopes(ours, task()), slopes(maml, task())
    assert all(torch.allclose(found[key], w, rtol=1e-5, atol=1e-9) for key, w in wanted.items())


@pytest.mark.parametrize("name", ["meta_sgd", "maml_plus_plus", "alpha_maml"])
def test_learned_step_sizes_have_the_slope_of_finite_differences(name: str) -> None:
    learner = made(name, steps=2)
    for size in (0, len(learner.net.head.sizes) - 1):
        check_slope(learner, task(), f"head.sizes.{size}", 0)


def test_the_gradient_of_proto_maml_flows_through_its_first_layer() -> None:
    learner = made("proto_maml", steps=2)
    check_slope(learner, task(), "encoder.layers.0.0.weight", 1)
    check_slope(learner, task(), "encoder.layers.3.1.bias", 2)


@pytest.mark.parametrize("name", ["proto_maml", "first_order_proto_maml"])
def test_proto_maml_without_steps_is_protonet(name: str) -> None:
    ours, protonet = made(name, steps=0), made("protonet")
    protonet.net.load_state_dict(ours.net.state_dict())
    assert torch.allclose(answer(ours, task()), answer(protonet, task()))
    found, wanted = slopes(ours, task()), slopes(protonet, task())
    assert all(torch.allclose(found[key], w, atol=1e-9) for key, w in wanted.items())


def test_the_multi_step_loss_is_the_weighted_sum_of_the_losses_after_each_step() -> None:
    episode, learner = task(), made("maml_plus_plus", steps=3, multi_step=0.5)
    after = list(learner.path(episode.support))[1:]
    losses = [episode.query.problem.loss(p.outputs(episode.query.inputs), episode.query.targets) for p in after]
    for progress, shares in [(0.0, (1 / 3, 1 / 3, 1 / 3)), (0.25, (1 / 6, 1 / 6, 4 / 6)), (0.499, (0.01, 0.01, 0.98))]:
        learner.net.progress = progress
        wanted = sum(share * loss for share, loss in zip(shares, losses, strict=True))
        assert float(learner.task_loss(episode).detach()) == pytest.approx(float(wanted.detach()), rel=1e-6)
    learner.net.progress = 0.5
    assert float(learner.task_loss(episode).detach()) == pytest.approx(float(losses[-1].detach()))


def test_maml_plus_plus_takes_second_derivatives_only_once_it_is_time() -> None:
    learner, first = made("maml_plus_plus", multi_step=0, steps=2), made("first_order_maml", steps=2)
    first.net.load_state_dict({key: w for key, w in learner.net.state_dict().items() if "sizes" not in key})
    for progress, alike in [(0.49, True), (0.5, False)]:
        learner.net.progress = progress
        found, wanted = slopes(learner, task()), slopes(first, task())
        assert alike == all(torch.allclose(found[key], w, atol=1e-7) for key, w in wanted.items())


def test_maml_plus_plus_keeps_statistics_scale_and_shift_of_each_step() -> None:
    learner, episode = made("maml_plus_plus", steps=3, multi_step=0, batch_norm=True), task()
    found = slopes(learner, episode)
    norm = learner.net.head.norms[0]
    assert norm.running_mean.shape == (3, 4) and len({tuple(row.tolist()) for row in norm.running_mean}) == 3
    assert bool((found["head.norms.0.weight"].abs().sum(1) > 0).all())
    assert not any(key.startswith("encoder.layers.0.1.") for key in found)
    *_, moved = learner.descent(episode.support)
    assert not any(key.startswith("encoder.layers.0.1.") or "norms" in key for key in moved)


def test_alpha_mamls_hypergradient_is_minus_the_product_of_the_slopes() -> None:
    episode, learner = task(), made("alpha_maml", steps=1)
    start, moved = (
        {key: w.detach().requires_grad_() for key, w in ws.items()} for ws in learner.descent(episode.support)
    )
    before = torch.autograd.grad(support_loss(learner.net, start, episode.support), list(start.values()))
    after = torch.autograd.grad(support_loss(learner.net, moved, episode.query), list(moved.values()))
    product = sum(float((a * b).sum()) for a, b in zip(before, after, strict=True))
    assert float(slopes(learner, episode)["head.sizes.0"]) == pytest.approx(-product, rel=1e-6)


def test_alpha_is_moved_by_its_own_step_size() -> None:
    learner = made("alpha_maml", steps=1, rate_step_size=0.25)
    slope = slopes(learner, task())["head.sizes.0"]
    before = float(learner.net.head.sizes[0].detach())
    meta_train(learner, lambda step: [task()], Training(steps=1, optimizer="sgd", step_size=1e-9, clip=1e9))
    assert float(learner.net.head.sizes[0].detach()) == pytest.approx(before - 0.25 * float(slope), rel=1e-6)


def test_the_outer_step_size_grows_by_the_product_of_slopes() -> None:
    """Hypergradient descent on w^2 / 2, whose slope is w."""
    w = torch.nn.Parameter(torch.tensor([2.0, -1.0], dtype=torch.float64))
    optimizer, size, wanted, last = Sgd([w], rate_step_size=0.01), 0.1, w.detach().clone(), None
    for _ in range(4):
        optimizer.param_groups[0]["lr"] = 0.1
        w.grad = w.detach().clone()
        optimizer.step()
        size += 0.0 if last is None else 0.01 * float(wanted @ last)
        last, wanted = wanted, wanted - size * wanted
        assert torch.allclose(w.detach(), wanted)


def test_reptiles_outer_step_is_a_part_of_the_way_to_the_mean_of_the_moved_weights() -> None:
    tasks = [task(seed=3), task(seed=4)]
    learner = made("reptile", steps=2, batch=6)
    start = {key: w.detach().clone() for key, w in learner.net.named_parameters()}
    moved = [list(learner.descent(episode.support))[-1] for episode in tasks]  # batches of all: nothing is drawn
    recipe = Training(steps=1, optimizer="sgd", schedule="linear", warm_up=0, step_size=0.5, weight_decay=0, clip=1e9)
    meta_train(learner, lambda step: tasks, recipe)
    for key, w in learner.net.named_parameters():
        mean = (moved[0][key] + moved[1][key]) / 2
        assert torch.allclose(w, start[key] + 0.5 * (mean - start[key]), atol=1e-9)


def test_adam_without_momentum_is_torchs() -> None:
    start = torch.tensor([1.5, -0.5], dtype=torch.float64)
    *_, ours = descent(
        lambda ws, step: (ws["w"] ** 4).sum(), {"w": start.clone()}, steps=5, rule=adam(0.1), second_order=False
    )
    w = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.Adam([w], lr=0.1, betas=(0.0, 0.999))
    for _ in range(5):
        optimizer.zero_grad()
        (w**4).sum().backward()
        optimizer.step()
    assert torch.allclose(ours["w"], w)


@pytest.mark.parametrize("name", ["maml", "reptile", "protonet", "maml_plus_plus"])
def test_one_training_answers_with_and_without_the_querys_statistics(name: str) -> None:
    """Alone or among others: the same answer, unless the encoder takes statistics of what is answered together."""
    episode, trained = task(), made(name, batch_norm=True)
    trained.task_loss(episode)
    for own in (False, True):
        inner = {**trained.encoder_settings, "own_statistics": own}
        learner = make(name, **{**trained.settings(), "encoder_settings": inner})
        learner.net.double().load_state_dict(trained.net.state_dict())
        kept = {key: w.clone() for key, w in learner.net.state_dict().items()}
        predictor, inputs = learner.adapt(episode.support), episode.query.inputs
        among, alone = predictor.outputs(inputs).mean[:3], predictor.outputs(inputs[:3]).mean
        assert learner.reads_query == own and torch.allclose(among, alone) != own
        assert all(torch.equal(kept[key], w) for key, w in learner.net.state_dict().items())


@pytest.mark.parametrize("name", ["alpha_maml", "maml_plus_plus", "meta_sgd", "proto_maml", "reptile"])
def test_what_is_learned_beside_the_net_survives_a_checkpoint(name: str, tmp_path: Path) -> None:
    learner, episode = made(name, training=False, batch_norm=True), task()
    learner.net.float()
    with torch.no_grad():
        for w in learner.net.parameters():
            w.add_(0.01)
    save(learner, name, tmp_path)
    episode = Task(*(replace(part, inputs=part.inputs.float()) for part in (episode.support, episode.query)))
    assert torch.equal(answer(load(tmp_path)[0], episode), answer(learner, episode))


def test_proto_maml_always_moves_its_last_layer() -> None:
    with pytest.raises(SettingsError, match="moves"):
        make("proto_maml", moves="encoder.")


def test_maml_plus_plus_begins_each_step_with_the_norms_of_an_encoder_that_is_given() -> None:
    given, learner, inputs = made("maml", batch_norm=True), made("maml_plus_plus", False, True), task().support.inputs
    with torch.no_grad():
        for index, part in enumerate(given.net.encoder.state_dict().values()):
            part.add_(0.1 * index if part.is_floating_point() else 0)
    learner.take_encoder(given.net.eval().encoder)
    for step in range(learner.steps):
        said = torch.func.functional_call(learner.net, learner.of_step(step), (inputs,))
        assert torch.allclose(said, learner.net.head(given.net.encode(inputs)))


def with_norms_of_their_own(learner: Learner) -> Learner:
    """As training leaves them: each step's batch norm is another one, and none is the encoder's."""
    with torch.no_grad():
        for norm in learner.net.head.norms:
            for rows in norm.state_dict().values():
                rows += torch.rand(rows.shape, dtype=rows.dtype, generator=torch.Generator().manual_seed(2))
    return learner


def test_maml_plus_plus_reads_no_features_made_by_the_norms_of_its_encoder() -> None:
    plain, normed = (made("maml_plus_plus", False, norm, moves="head.", steps=1) for norm in (False, True))
    assert plain.encodes_ahead and not normed.encodes_ahead


def test_maml_plus_plus_lends_its_encoder_with_the_norms_of_the_first_step() -> None:
    learner, inputs = with_norms_of_their_own(made("maml_plus_plus", False, True)), task().support.inputs
    taker = made("protonet", False, True)
    taker.take_encoder(learner.lent_encoder().eval())
    said = torch.func.functional_call(learner.net, learner.of_step(0), (inputs,))
    assert torch.allclose(said, learner.net.head(taker.net.encode(inputs)))
    assert not torch.allclose(said, learner.net(inputs))


def test_reptile_takes_a_lone_example_once_a_step() -> None:
    lone = task().support.part(torch.tensor([0]))
    assert [len(part) for part in minibatches(lone, 3, 10, torch.Generator())] == [1, 1, 1]
    assert [len(part) for part in minibatches(task(3).support, 2, 10, torch.Generator())] == [10, 10]

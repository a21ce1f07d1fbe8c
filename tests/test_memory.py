"""Memory of an inner loop: bounded without another gradient, foretold, and a clear end where it isn't enough."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from torch import nn

from handful import memory
from handful.cli.faults import ENVIRONMENT, explain
from handful.errors import EnvironmentFault
from handful.learner import Learner
from handful.learners import make
from handful.memory import enough_memory, foretell, free_bytes, kept_bytes, needed_bytes
from handful.meta_train import Training, meta_train
from handful.problem import Classes
from handful.solvers import descent, plain
from handful.task import Examples, Task

FAMILY = ("maml", "anil", "meta_sgd", "maml_plus_plus", "alpha_maml", "proto_maml")


def task(count: int = 6) -> Task:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(2 * count, 3, 16, 16, generator=draw, dtype=torch.float64)
    targets, problem = torch.arange(2 * count) % 2, Classes(("a", "b"))
    return Task(Examples(images[:count], targets[:count], problem), Examples(images[count:], targets[count:], problem))


def made(name: str, **settings: object) -> Learner:
    inner = {"bands": 3, "width": 8, "batch_norm": True}
    learner = make(name, encoder="conv4", encoder_settings=inner, **settings)
    learner.net.double().train()
    return learner


def after(learner: Learner) -> dict[str, torch.Tensor]:
    """The gradient of a task's loss, and the statistics that followed."""
    loss = learner.task_loss(task())
    loss.backward()
    slopes = {name: w.grad for name, w in learner.net.named_parameters() if w.grad is not None}
    return slopes | dict(learner.net.named_buffers()) | {"loss": loss.detach()}


@pytest.mark.parametrize("name", FAMILY)
def test_steps_that_are_taken_again_have_the_same_gradient(name: str) -> None:
    more = {"multi_step": 0.5, "first_order": 0} if name == "maml_plus_plus" else {}
    kept, again = (after(made(name, steps=3, checkpointed=how, **more)) for how in (False, True))
    assert kept.keys() == again.keys()
    for key, wanted in kept.items():
        torch.testing.assert_close(again[key], wanted, atol=1e-12, rtol=1e-9, msg=key)


def test_what_was_dropped_is_dropped_again() -> None:
    net = nn.Sequential(nn.Linear(5, 8), nn.Dropout(), nn.Linear(8, 1)).double()
    inputs, found = torch.randn(20, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), []

    def loss(weights: dict[str, torch.Tensor], step: int) -> torch.Tensor:
        return torch.func.functional_call(net, weights, (inputs,)).square().mean()

    for again in (None, net):
        torch.manual_seed(0)
        start = dict(net.named_parameters())
        *_, moved = descent(loss, start, steps=3, rule=plain(0.1), second_order=True, again=again)
        found.append(torch.autograd.grad(loss(moved, 3), list(start.values())))
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(*found, strict=True))


def test_what_a_task_keeps_grows_with_its_steps_unless_they_are_taken_again() -> None:
    kept, again = (
        [kept_bytes(lambda how=how, n=n: made("maml", steps=n, checkpointed=how).task_loss(task())) for n in (2, 4, 8)]
        for how in (False, True)
    )
    assert kept[2] - kept[1] > 1.5 * (kept[1] - kept[0]) > 0
    assert again[2] - again[0] < 0.2 * (kept[2] - kept[0])
    assert needed_bytes(made("maml", steps=8), task()) == pytest.approx(kept[2], rel=0.02)


def test_what_keeps_no_steps_needs_nothing_that_is_foretold() -> None:
    for learner in (made("maml", steps=8, checkpointed=True), made("first_order_maml"), made("protonet")):
        assert needed_bytes(learner, task()) == 0


def test_what_takes_more_than_half_of_the_free_memory_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    learner, need, said = made("maml", steps=8), needed_bytes(made("maml", steps=8), task()), []
    for free, told in ((3 * need, 0), (need, 1), (None, 1)):
        monkeypatch.setattr(memory, "free_bytes", lambda free=free: free)
        foretell(learner, [task()], said.append)
        assert len(said) == told
    assert "checkpointed = true" in said[0] and "first_order_maml" in said[0]


def test_the_free_memory_is_the_least_of_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "free").write_text("MemTotal: 9 kB\nMemAvailable:    4000 kB\n")
    (tmp_path / "max").write_text("3000000\n")
    (tmp_path / "used").write_text("1000000\n")
    for name, file in (("FREE", "free"), ("LIMIT", "max"), ("USED", "used")):
        monkeypatch.setattr(memory, name, tmp_path / file)
    assert free_bytes() == 2000000
    (tmp_path / "max").write_text("max\n")
    assert free_bytes() == 4096000
    (tmp_path / "free").unlink()
    assert free_bytes() is None


def test_memory_that_is_used_up_ends_a_training_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = made("first_order_maml")

    def used_up(self: Learner, task: Task) -> torch.Tensor:
        return torch.empty(2**55)

    monkeypatch.setattr(type(learner), "task_loss", used_up)
    with pytest.raises(EnvironmentFault, match=r"out of memory at step 1 of training: set checkpointed = true"):
        meta_train(learner, lambda step: [task()], Training(steps=1))


def test_other_faults_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"), enough_memory("step 1"):
        raise RuntimeError("shapes differ in memory format")


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "x"), RuntimeError("CUDA out of memory.")])
def test_a_want_of_memory_is_the_machines(error: Exception) -> None:
    assert explain(error)[1] == ENVIRONMENT

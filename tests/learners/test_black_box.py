"""Learners whose adapting is one pass of a net: in context, with a memory, over a sequence, from a mean of pairs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from handful.encoders.memory import MemoryNet, Recall, least_used
from handful.encoders.temporal import Elements, Temporal
from handful.errors import SettingsError
from handful.learner import Learner
from handful.learners import make
from handful.problem import Classes, Problem, Quantity
from handful.task import Examples

WIDE = {"bands": 3, "width": 4, "blocks": 1, "kernel": 3, "windows": (3,)}  # 12 features


def learner(name: str, **settings: object) -> Learner:
    """In double precision, and with weights that make every part of the net matter."""
    made = make(name, encoder="dense", encoder_settings=WIDE, **settings)
    made.net.double()
    draw = torch.Generator().manual_seed(5)
    for weight in made.net.head.parameters():
        weight.data += 0.3 * torch.randn(weight.shape, generator=draw, dtype=weight.dtype)
    return made


def rows(count: int, seed: int = 0, wide: int = 12) -> Tensor:
    return torch.randn(count, wide, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def support(problem: Problem, order: Tensor | None = None, count: int = 9, wide: int = 12) -> Examples:
    """Rows of classes with unequal shots, or of numbers; in another order on request."""
    order = torch.arange(count) if order is None else order
    targets = torch.arange(count) % 2
    targets[-1] = problem.outputs - 1
    if isinstance(problem, Quantity):
        targets = rows(count, seed=3)[:, 0]
    return Examples({"features": rows(count, wide=wide)[order]}, targets[order], problem)


def answers(made: Learner, seen: Examples, asked: Tensor) -> Tensor:
    return made.adapt(seen).outputs({"features": asked}).mean.detach()


PROBLEMS = [Classes(("a", "b")), Classes(("a", "b", "c")), Quantity("height", "m")]
every_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=["two", "three", "quantity"])


@every_problem
@pytest.mark.parametrize("name", ["in_context", "cnp"])
def test_the_order_of_the_support_is_nothing(name: str, problem: Problem) -> None:
    made, asked = learner(name, outputs=3), rows(5, seed=1)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(answers(made, support(problem), asked), answers(made, support(problem, order), asked))


@every_problem
@pytest.mark.parametrize("name", ["in_context", "cnp", "mann", "snail"])
def test_rows_that_are_asked_do_not_see_each_other(name: str, problem: Problem) -> None:
    made, asked = learner(name, outputs=3), rows(5, seed=1)
    together = answers(made, support(problem), asked)
    alone = torch.cat([answers(made, support(problem), row[None]) for row in asked])
    assert torch.allclose(together, alone)


@every_problem
@pytest.mark.parametrize("name", ["mann", "snail", "matching_fce"])
def test_labelled_rows_are_read_in_a_drawn_order(name: str, problem: Problem) -> None:
    """Tasks list them class by class: where a row stands would tell what it is."""
    made = learner(name, **({} if name == "matching_fce" else {"outputs": 3}))
    given, asked = support(problem), rows(5, seed=1)
    assert torch.equal(answers(made, given, asked), answers(made, given, asked))
    made.net.train()
    assert not torch.allclose(answers(made, given, asked), answers(made, given, asked))


def test_in_context_knows_any_number_of_classes_and_none_by_its_column() -> None:
    made, asked = learner("in_context", outputs=2), rows(5, seed=1)
    problem = Classes(tuple("abcdefghijk"))
    targets = torch.arange(22) % 11
    swap = torch.randperm(11, generator=torch.Generator().manual_seed(2))
    first, other = (
        answers(made, Examples({"features": rows(22)}, labels, problem), asked) for labels in (targets, swap[targets])
    )
    assert first.shape == (5, 11)
    assert torch.allclose(first, other[:, swap])


@every_problem
def test_in_context_reads_all_dates_of_a_scene_alike(problem: Problem) -> None:
    """Features of two dates stand side by side; which stands first is nothing, and what fits no date is left out."""
    made = learner("in_context")
    seen, asked = support(problem, wide=26), rows(5, seed=1, wide=26)
    swap = torch.cat([torch.arange(12, 24), torch.arange(12), torch.arange(24, 26)])
    swapped = Examples({"features": seen.inputs["features"][:, swap]}, seen.targets, problem)
    assert torch.allclose(answers(made, seen, asked), answers(made, swapped, asked[:, swap]))
    assert bool(answers(made, support(problem, wide=5), rows(5, seed=1, wide=5)).isfinite().all())


@every_problem
def test_in_context_without_a_share_is_the_ridge(problem: Problem) -> None:
    made, plain = learner("in_context"), learner("ridge")
    made.net.head.log_share.data.fill_(-1e3)
    made.net.head.by_rows.data.zero_()
    for name in ("log_penalty", "log_scale"):
        getattr(plain.net.head, name).data = getattr(made.net.head, name).data
    asked = rows(5, seed=1)
    assert torch.allclose(answers(made, support(problem), asked), answers(plain, support(problem), asked))


def test_in_context_reads_no_more_rows_than_it_may() -> None:
    made = learner("in_context", most=4)
    seen, asked = support(PROBLEMS[0], count=30), rows(3, seed=1)
    heard: list[int] = []
    made.net.head.reader.enter.register_forward_hook(lambda module, given, out: heard.append(len(out)))
    assert torch.equal(answers(made, seen, asked), answers(made, seen, asked))
    assert heard == [4, 3, 4, 3]


def test_a_width_that_heads_do_not_share_is_refused() -> None:
    with pytest.raises(SettingsError, match="width is 10 with 4 heads"):
        make("in_context", encoder="dense", encoder_settings=WIDE, width=10)


def test_cnp_sees_the_mean_of_pairs_of_a_class_and_is_as_sure_as_it_says() -> None:
    made, problem = learner("cnp", outputs=2), PROBLEMS[2]
    seen = support(problem)
    twice = Examples({"features": rows(9).repeat(2, 1)}, seen.targets.repeat(2), problem)
    assert torch.allclose(answers(made, seen, rows(5, seed=1)), answers(made, twice, rows(5, seed=1)))
    told = made.adapt(seen).outputs({"features": rows(5, seed=1)})
    assert told.variance.shape == told.mean.shape
    assert bool((told.variance > 0.01 * seen.targets.var(correction=0)).all())


def test_snail_never_looks_ahead() -> None:
    torch.manual_seed(0)
    body = Temporal(7, length=20, filters=6).double()
    sequence = rows(20, wide=7)
    changed = sequence.clone()
    changed[11:] += 1
    before, after = body.sequence(sequence)[-1], body.sequence(changed)[-1]
    assert torch.equal(before[:11], after[:11])
    assert bool((before[11:] != after[11:]).any(1).all())


def test_snails_last_element_is_that_of_the_whole_sequence() -> None:
    torch.manual_seed(0)
    body = Temporal(7, length=20, filters=6).double()
    sequence = rows(20, wide=7)
    ends = body.after(sequence[-1:], body.sequence(sequence[:-1]))
    assert torch.allclose(ends, body.sequence(sequence)[-1][-1:])


def test_snails_first_convolution_is_one_of_pytorchs() -> None:
    torch.manual_seed(0)
    body = Temporal(7, length=4, filters=6).double()
    block, sequence = body.layers[1], rows(9, wide=39)
    weight = block.change.weight.unflatten(1, (2, 39)).movedim(1, 2)  # (filters, width, earlier and now)
    padded = torch.nn.functional.pad(sequence.T[None], (2, 0))
    change = torch.nn.functional.conv1d(padded, weight, block.change.bias, dilation=2)[0].T
    earlier = torch.ones(9, 9, dtype=torch.bool).tril(-1)
    elements = Elements(sequence, sequence, earlier)
    both = torch.cat([elements.back(2), sequence], dim=1)
    assert torch.allclose(change, block.change(both))


def test_the_least_used_places_are_found() -> None:
    usage = torch.tensor([[0.5, 0.1, 0.9, 0.2]])
    assert least_used(usage, 1).tolist() == [[0, 1, 0, 0]]
    assert least_used(usage, 2).tolist() == [[0, 1, 0, 1]]


def test_manns_memory_by_hand() -> None:
    """A closed gate writes to the least used place, which is wiped before; an open one to what was read."""
    net = MemoryNet(3, width=4, places=3, size=2, reads=1, decay=0.9)
    memory = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]])
    read = torch.tensor([[[1.0, 0.0, 0.0]]])
    empty = torch.zeros(1, 2)
    before = Recall(torch.zeros(1, 4), torch.zeros(1, 4), memory, read, torch.tensor([[0.4, 0.7, 0.1]]), empty)
    key = torch.tensor([[[5.0, 7.0]]])
    closed, weights = net.write(key, torch.zeros(1, 1), before)
    assert closed.tolist() == [[[1, 0], [0, 2], [5, 7]]] and weights.tolist() == [[[0, 0, 1]]]
    opened, weights = net.write(key, torch.ones(1, 1), before)
    assert opened.tolist() == [[[6, 7], [0, 2], [0, 0]]] and weights.tolist() == [[[1, 0, 0]]]


def test_manns_weights_of_reading_sum_to_one_and_usage_decays() -> None:
    torch.manual_seed(0)
    net = MemoryNet(12, width=8, places=5, size=4, reads=2, decay=0.9).double()
    recall = net.start()
    for row in rows(6):
        before = recall
        _, recall = net(row[None], recall)
        assert torch.allclose(recall.read.sum(-1), torch.ones(1, 2, dtype=torch.float64))
        # each of the two heads reads with weights that sum to 1, and writes with weights that sum to 1 or 2
        added = recall.usage - 0.9 * before.usage
        assert bool((added >= 0).all()) and 4 <= float(added.detach().sum()) <= 6

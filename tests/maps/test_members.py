"""Out-of-fold answers know nothing of the fold; a blend is the mean of its members."""

from __future__ import annotations

import numpy as np
import pytest
import small_map
import torch

from handful.learners import make
from handful.maps.auto import out_of_fold
from handful.maps.grid import Window
from handful.maps.look import encoder_key, look, places
from handful.maps.members import Blend, Member, certain
from handful.solvers import rows as as_rows

KINDS = ["classes", "quantity"]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_out_of_fold_are_those_of_a_model_that_never_saw_the_fold(kind: str) -> None:
    problem, targets = small_map.problem_and_targets(kind)
    seen, folds, members = small_map.seen(), small_map.folds(), small_map.members()[:2]
    found = out_of_fold(members, seen, folds, targets, problem, [0.0])
    for train, test in folds.splits():
        for number, member in enumerate(members):
            predictor = member.learner.adapt(member.support(seen, train, targets, problem))
            table = seen.tables[encoder_key(member.learner)][torch.from_numpy(test), seen.middle]
            wanted = certain(predictor, predictor.outputs({"features": table})).detach().numpy()
            np.testing.assert_allclose(found[number, 0, test], wanted, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_doesnt_reach_its_own_answer(kind: str) -> None:
    problem, targets = small_map.problem_and_targets(kind)
    seen, folds, members = small_map.seen(), small_map.folds(), small_map.members()
    before = out_of_fold(members, seen, folds, targets, problem, [0.0, 1.0])
    changed = targets.copy()
    changed[0] = (targets[0] + 1) % 4 if kind == "classes" else 500.0
    after = out_of_fold(members, seen, folds, changed, problem, [0.0, 1.0])
    own = folds.fold == folds.fold[0]
    assert np.array_equal(before[:, :, own], after[:, :, own]) and not np.array_equal(before, after)


def test_smoothing_at_a_label_is_the_mean_over_its_places() -> None:
    problem, targets = small_map.problem_and_targets("classes")
    seen, every = small_map.seen(), np.arange(24)
    blend = Blend.fit(small_map.members()[:1], seen, every, targets, problem)
    bare, smooth = blend.judge(seen, every, [0.0, 1.0])[0]
    predictor, member = blend.predictors[0], blend.members[0]
    table = seen.tables[encoder_key(member.learner)]
    answers = certain(predictor, predictor.outputs({"features": table.flatten(0, 1)})).detach().view(24, -1, 4)
    np.testing.assert_allclose(bare, answers[:, seen.middle].numpy(), atol=1e-6)
    np.testing.assert_allclose(smooth, (answers * seen.weights(1.0)[..., None]).sum(1).numpy(), atol=1e-6)


def test_a_blend_answers_a_block_as_its_members_do() -> None:
    model = small_map.model()
    margin = model.blend.reach
    values, _ = small_map.scene().read(Window(10 - margin, 10 - margin, 20 + 2 * margin, 24 + 2 * margin))
    inputs = model.sight.inputs(values[None])
    answers, _ = model.blend.answer(inputs, margin)
    assert answers.shape == (3, 4, 20, 24)
    assert torch.allclose(answers.sum(1), torch.ones(3, 20, 24), atol=1e-5)
    for number, (member, predictor) in enumerate(zip(model.blend.members, model.blend.predictors, strict=True)):
        encoder, key = member.learner.net.encoder, encoder_key(member.learner)
        inside = encoder(inputs).detach()[:, :, margin:-margin, margin:-margin]
        wanted = certain(predictor, predictor.outputs({"features": as_rows(inside)})).detach()
        told = model.blend.answer(inputs, margin, (key, torch.tensor([2, 0])))[1]
        assert told is not None and torch.allclose(told, inside[0, [2, 0]].permute(1, 2, 0), atol=1e-5)
        assert torch.allclose(answers[number].flatten(1).T, wanted, atol=1e-5)


def test_a_learner_that_moves_its_encoder_sees_windows() -> None:

    problem, targets = small_map.problem_and_targets("classes")
    small = {"bands": 12, "width": 4, "blocks": 1, "kernel": 3, "windows": (3,)}
    member = Member("maml", make("maml", encoder="dense", encoder_settings=small, outputs=4, steps=2))
    rows, columns, _ = small_map.labels()
    reach = int(member.learner.net.encoder.reach)
    seen = look(small_map.scene(), small_map.sight(), {}, rows, columns, places(0, 1), reach)
    support = member.support(seen, np.arange(5), targets, problem)
    assert int(problem.labelled(support.targets).sum()) == 5
    blend = Blend.fit([member], seen, np.arange(24), targets, problem)
    at_labels = blend.judge(seen, np.arange(24), [0.0])[0, 0]
    values, _ = small_map.scene().read(Window(-reach, -reach, 80 + 2 * reach, 96 + 2 * reach))
    painted, _ = blend.answer(small_map.sight().inputs(values[None]), reach)
    np.testing.assert_allclose(at_labels, painted[0][:, rows, columns].T.numpy(), atol=1e-5)

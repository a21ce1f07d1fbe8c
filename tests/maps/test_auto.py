"""The default stands unless another is better beyond doubt; rivals are shown, never chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_map
import torch

from handful.checkpoint import save
from handful.errors import SettingsError
from handful.learners import make
from handful.maps.auto import DEFAULT, Candidate, Trial, candidates, choose, enough, try_all, unique, worth
from handful.maps.judge import ClassJudge, Labelled
from handful.maps.members import Member
from handful.maps.weights import check_bands, pretrained
from handful.problem import Classes, Quantity
from handful.task import Examples

CLASSES = Classes(small_map.NAMES)


def labelled() -> Labelled:
    targets = small_map.labels()[2]
    return Labelled(np.random.default_rng(0).uniform(0, 900, (24, 2)), targets, np.arange(24))


def trial(name: str, right: float, rival: bool = False) -> Trial:
    """A trial whose first answers of each six are right."""
    targets = small_map.labels()[2]
    said = np.where(np.arange(24) % 6 < round(6 * right), targets, (targets + 1) % 4)
    return Trial(Candidate(name, small_map.members()[:1], rival), np.eye(4)[said][None] * 0.9 + 0.025, {})


def chosen(*trials: Trial) -> str:
    return choose(trials, labelled(), small_map.folds(), ClassJudge(small_map.NAMES))[0].candidate.name


def test_the_default_stands_where_nothing_is_surely_better() -> None:
    assert chosen(trial("blend", 0.5), trial("other", 0.5)) == "blend"
    assert chosen(trial("blend", 0.83), trial("other", 1.0)) == "blend"


def test_another_is_chosen_where_it_is_better_beyond_doubt() -> None:
    assert chosen(trial("blend", 0.17), trial("worse", 0.0), trial("best", 1.0), trial("good", 0.83)) == "best"


def test_a_rival_is_never_chosen() -> None:
    assert chosen(trial("blend", 0.0), trial("forest", 1.0, rival=True)) == "blend"


def test_too_few_labels_choose_nothing() -> None:
    folds = small_map.folds()
    few = replace(folds, fold=np.where(np.arange(24) % 6 < 2, folds.fold, -1))
    assert enough(labelled().targets, folds) and not enough(labelled().targets, few)
    trials = [trial("blend", 0.0), trial("best", 1.0)]
    assert choose(trials, labelled(), few, ClassJudge(small_map.NAMES))[0].candidate.name == "blend"


def test_values_that_are_all_different_can_choose() -> None:
    folds = small_map.folds()
    assert enough(np.linspace(0.0, 1.0, 24), folds)
    assert not enough(np.linspace(0.0, 1.0, 24), replace(folds, fold=np.where(np.arange(24) < 12, folds.fold, -1)))
    assert not enough(np.linspace(0.0, 1.0, 24), replace(folds, fold=np.full(24, -1)))


@pytest.mark.parametrize(
    ("ours", "theirs", "said"), [(1.0, 0.0, "was worth it"), (0.0, 1.0, "not worth it"), (0.5, 0.5, "chance")]
)
def test_whether_it_was_worth_it(ours: float, theirs: float, said: str) -> None:
    mine, trials = trial("blend", ours), [trial("blend", ours), trial("forest", theirs, rival=True)]
    assert said in worth(mine, trials, labelled(), small_map.folds(), ClassJudge(small_map.NAMES))


def test_what_is_tried() -> None:
    found = candidates("auto", lambda name: make(name, encoder="plain"), CLASSES, spectrum=True)
    assert found[0].name == DEFAULT and len(found[0].members) == 4
    assert unique(m for c in found if not c.rival for m in c.members) == list(found[0].members)
    without = candidates("auto", lambda name: make(name, encoder="plain"), CLASSES, spectrum=False)
    assert len(without[0].members) == 2 and [c.rival for c in without][-2:] == [True, True]
    numbers = candidates("auto", lambda name: make(name, encoder="plain"), Quantity("height"), spectrum=True)
    assert "linear regression on context" in [c.name for c in numbers]
    assert not [c.name for c in numbers if "logistic" in c.name]
    quantity = candidates("ridge", lambda name: make(name, encoder="plain"), Quantity("height"), spectrum=True)
    assert [(c.name, c.rival) for c in quantity] == [("ridge", False), ("random forest on bands", True)]


def test_all_under_the_same_folds() -> None:
    members = small_map.members()
    tried = [
        Candidate(DEFAULT, members[:2]),
        Candidate("logistic", members[1:2]),
        Candidate("rival", members[2:], True),
    ]
    judge, seen, folds = ClassJudge(small_map.NAMES), small_map.seen(), small_map.folds()
    trials, sigma = try_all(tried, seen, folds, labelled(), CLASSES, judge, (0.0, 2.0))
    assert sigma in (0.0, 2.0)
    np.testing.assert_array_equal(trials[0].answers[1], trials[1].answers[0])
    assert trials[2].answers.shape == (1, 24, 4)
    alone, _ = try_all(tried[::2], seen, folds, labelled(), CLASSES, judge, (sigma,))
    np.testing.assert_array_equal(alone[0].answers, trials[0].answers)


def test_a_checkpoint_with_a_pool_maps_with_its_rows(tmp_path: Path) -> None:
    rows = Examples(torch.rand(7, 3), torch.arange(7) % 2, Classes(("water", "forest")))
    save(make("pooled", encoder="plain").gather([rows]), "pooled", tmp_path)
    assert pretrained("pooled", 5, weights=tmp_path).kept == (7, 3)


def test_a_checkpoint_of_fewer_classes_than_the_map(tmp_path: Path) -> None:
    plain = {"encoder": "dense", "encoder_settings": {"bands": 3, "width": 4, "blocks": 1, "windows": (3,)}}
    for name, outputs in (("maml", 5), ("fine_tune", 2)):  # whose head has a column a class, and a new one each task
        save(make(name, **plain, outputs=2), name, tmp_path / name)
        found = pretrained(name, 5, weights=tmp_path / name)
        assert found.outputs == outputs


def test_learners_with_shipped_weights() -> None:
    ridge, logistic = pretrained("ridge", 5), pretrained("logistic", 5)
    assert ridge.encoder == "spectral" and logistic.encoder == "context"
    assert Member("ridge", ridge).learner.outputs >= 2
    assert pretrained("pooled", 5).encoder == "context"
    with pytest.raises(SettingsError, match="Did you mean ridge"):
        pretrained("rigde", 5)
    dense = make("ridge", encoder="dense", encoder_settings={"bands": 3, "width": 4, "blocks": 1})
    with pytest.raises(SettingsError, match="reads 3 bands, but the scene has 12"):
        check_bands(dense, 12, "weights/")

"""Several tasks at once: further heads on one encoder, their losses weighed, some targets missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from handful.augment import steps_of
from handful.augment.change import changed
from handful.augment.mixing import mixed
from handful.checkpoint import load, save
from handful.data.sampling import Sampling
from handful.encoders import make_encoder
from handful.errors import SettingsError, TaskError
from handful.learner import Learner
from handful.learners import make
from handful.learners.pretrained import pooled_loss
from handful.meta_train import Training, meta_train
from handful.problem import Classes, Problem, Quantity
from handful.region import Region
from handful.task import Examples, Task

NAMES = ("burn ratio", "forest kind: 3")
CLASSES = Classes(("healthy", "damaged"))


def learner(name: str = "fine_tune", **settings: object) -> Learner:
    encoder = {"bands": 4, "width": 6, "blocks": 1, "windows": (3,)}
    return make(name, encoder="dense", encoder_settings=encoder, **({"also": NAMES} | settings))


def examples(seed: int = 0, count: int = 3, side: int = 8) -> Examples:
    """Maps whose burn ratio and kind follow the bands, and so does the class."""
    draw = torch.Generator().manual_seed(seed)
    bands = torch.randn(count, 4, side, side, generator=draw)
    inputs = {
        "bands": bands,
        "also.burn ratio": 5 + 3 * bands[:, 0],
        "also.forest kind": bands[:, 1:].argmax(1).float(),
    }
    return Examples(inputs, (bands[:, 0] > 0).long(), CLASSES)


def lacking(found: Examples, name: str) -> Examples:
    gone = {f"also.{name}": torch.full_like(found.inputs[f"also.{name}"], torch.nan)}
    return Examples({**found.inputs, **gone}, found.targets, found.problem)


def loss(of: Learner, found: Examples) -> torch.Tensor:
    """While it trains."""
    of.net.train()
    return of.task_loss(Task(found, found))


def parts(of: Learner, found: Examples) -> list[torch.Tensor]:
    """The three losses by hand."""
    features = of.net.encode(found.inputs)
    apply = lambda head: head(features.movedim(1, -1)).movedim(-1, 1)  # noqa: E731
    ratio, kind = (apply(head) for head in of.net.also.heads)
    wanted = found.inputs["also.burn ratio"]
    middle, spread = of.net.also.levels[0]
    return [
        torch.nn.functional.cross_entropy(apply(of.net.head), found.targets),
        (ratio[:, 0] - (wanted - middle) / spread).square().mean(),
        torch.nn.functional.cross_entropy(kind, found.inputs["also.forest kind"].long()),
    ]


def test_the_loss_is_the_weighted_sum() -> None:
    found = examples()
    gathered = learner(also_weights=(0.5, 2.0)).gather([found])
    main, ratio, kind = parts(gathered, found)
    torch.testing.assert_close(loss(gathered, found), main + 0.5 * ratio + 2.0 * kind)
    wanted = found.inputs["also.burn ratio"]
    torch.testing.assert_close(gathered.net.also.levels[0], torch.stack([wanted.mean(), wanted.std(correction=0)]))


def test_learned_weights_are_those_of_the_paper() -> None:
    """Kendall et al. 2018: L/(2 s^2) + log s of a quantity, L/s^2 + log s of classes, s a deviation."""
    found, of = examples(), learner(learned_weights=True)
    with torch.no_grad():
        of.net.also.noise.copy_(torch.tensor([0.3, -0.4, 0.7]))
    main, ratio, kind = parts(of, found)
    deviations = (of.net.also.noise / 2).exp()
    wanted = main / deviations[0] ** 2 + ratio / (2 * deviations[1] ** 2) + kind / deviations[2] ** 2
    torch.testing.assert_close(loss(of, found), wanted + deviations.log().sum())


@pytest.mark.parametrize(("problem", "best"), [(Quantity("x"), 0.4), (CLASSES, 0.8)])
def test_a_noise_is_best_where_it_is_as_large_as_the_loss(problem: Problem, best: float) -> None:
    """The variance that makes the weighed loss least: the squared error itself, and twice the cross-entropy."""
    variance = torch.linspace(0.05, 3, 5000)
    weighed = torch.stack([problem.under_noise(torch.tensor(0.4), one.log()) for one in variance])
    assert abs(float(variance[weighed.argmin()]) - best) < 0.01


def test_learned_weights_come_to_the_size_of_the_losses() -> None:
    """In a short training, by a step size of their own: what can't be told counts least."""
    of = learner(learned_weights=True).gather([examples(seed) for seed in range(3)])

    def task(step: int) -> Task:
        found = examples(step)
        kind = torch.randint(0, 3, found.targets.shape, generator=torch.Generator().manual_seed(step)).float()
        return Task(*[Examples({**found.inputs, "also.forest kind": kind}, found.targets, CLASSES)] * 2)

    meta_train(of, lambda step: [task(step)], Training(steps=100, step_size=1e-2))
    main, ratio, kind = of.net.also.noise.tolist()
    assert kind > 0.5 and ratio < -0.5 and main < -0.3


def test_a_target_that_is_missing_counts_for_nothing() -> None:
    found, of = examples(), learner(learned_weights=True)
    lack = lacking(found, "burn ratio")
    of.net.also.requires_grad_(True)
    loss(of, lack).backward()
    noise, head = of.net.also.noise.grad, of.net.also.heads[0].weight.grad
    assert float(noise[1]) == 0 and float(noise[0]) != 0 and float(noise[2]) != 0
    assert head is None or not bool(head.any())
    some = {**found.inputs, "also.burn ratio": found.inputs["also.burn ratio"].clone()}
    some["also.burn ratio"][1:] = torch.nan
    one = Examples(some, found.targets, CLASSES)
    assert torch.isfinite(loss(of, one))


def test_weights_are_chosen_by_the_main_target_alone() -> None:
    found, of = examples(), learner(learned_weights=True)
    torch.testing.assert_close(of.task_loss(Task(found, found)), parts(of, found)[0])


def test_mixed_examples_keep_whole_classes() -> None:
    """A blend of class 0 and class 2 is no class 1: one of the two has the say, as it has over the main target."""
    draw = torch.Generator().manual_seed(0)
    kinds = torch.randint(0, 2, (64,), generator=draw)
    inputs = {"bands": torch.randn(64, 3, generator=draw), "also.kind": 2.0 * kinds}
    rows = Examples(inputs, kinds, CLASSES)
    found = mixed(rows, steps_of(("mixup=1",)), np.random.default_rng(0))
    assert not torch.equal(found.inputs["bands"], inputs["bands"]) and not torch.equal(found.targets, kinds)
    assert torch.equal(found.inputs["also.kind"], 2.0 * found.targets)


def test_pasted_pixels_bring_their_further_targets() -> None:
    found = mixed(examples(count=8), steps_of(("cutmix=1",)), np.random.default_rng(0))
    torch.testing.assert_close(found.inputs["also.burn ratio"], 5 + 3 * found.inputs["bands"][:, 0])


def test_what_isn_t_shown_any_more_has_no_further_target() -> None:
    found = changed(examples(), steps_of(("cutout=0.5",)), np.random.default_rng(0), together=True)
    gone = found.targets == -100
    assert bool(gone.any()) and not bool(gone.all())
    for name in ("also.burn ratio", "also.forest kind"):
        assert torch.equal(found.inputs[name].isnan(), gone)


def test_what_the_main_target_lacks_the_others_still_teach() -> None:
    found, of = examples(), learner()
    bare = Examples(found.inputs, torch.full_like(found.targets, -100), CLASSES)
    pooled_loss(bare, of.net.train()).backward()
    slopes = [w.grad for w in of.net.encoder.parameters()]
    assert any(bool(slope.any()) for slope in slopes)
    assert not bool(of.net.head.weight.grad.any())


def test_no_encoder_reads_a_further_target() -> None:
    found, of = examples(), learner()
    torch.testing.assert_close(of.net.encode(found.inputs), of.net.encode(lacking(found, "burn ratio").inputs))
    with pytest.raises(SettingsError, match="names no modality"):
        make_encoder("early", {"modalities": ("also.burn ratio",)})


def test_without_further_targets_nothing_changes() -> None:
    plain, more = learner(also=()), learner()
    assert set(more.net.state_dict()) - set(plain.net.state_dict()) == {
        name for name in more.net.state_dict() if name.startswith("also.")
    }
    for name, weight in plain.net.state_dict().items():
        assert torch.equal(weight, more.net.state_dict()[name])


@pytest.mark.parametrize("name", ["fine_tune", "linear_probe", "baseline", "baseline_plus_plus", "simpleshot"])
def test_it_trains_adapts_and_is_kept(name: str, tmp_path: Path) -> None:
    of = learner(name, learned_weights=True).gather([examples(seed) for seed in range(3)])
    before = parts(of, examples(9))[1].item()
    meta_train(of, lambda step: [Task(examples(step), examples(step + 500))], Training(steps=60, step_size=2e-2))
    assert parts(of, examples(9))[1].item() < 0.7 * before
    assert bool(of.net.also.noise.any())
    save(of, name, tmp_path)
    again, _ = load(tmp_path)
    support, query = examples(7, count=1), examples(8)
    wanted = of.adapt(support).predict(query.inputs)
    assert torch.equal(again.adapt(support).predict(query.inputs), wanted)


def test_a_killed_training_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    tasks = lambda step: [Task(examples(step), examples(step + 500))]  # noqa: E731
    whole, parted = (learner(learned_weights=True) for _ in range(2))
    meta_train(whole, tasks, Training(steps=6))
    for _ in range(4):
        meta_train(parted, tasks, Training(steps=6, keep_every=1), folder=tmp_path, seconds=0.0)
    parted = learner(learned_weights=True)
    meta_train(parted, tasks, Training(steps=6, keep_every=1), folder=tmp_path)
    for name, weight in whole.net.state_dict().items():
        assert torch.equal(weight, parted.net.state_dict()[name])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"also": ("kind: x",)}, "how many"),
        ({"also": ("kind: 1",)}, "how many"),
        ({"also": ("a", "a")}, "once"),
        ({"also": ("a", "b"), "also_weights": (1.0,)}, "one for each"),
        ({"also_weights": (-1.0, 1.0)}, "also_weights"),
    ],
)
def test_settings_are_checked(settings: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        learner(**settings)


def test_targets_are_checked() -> None:
    found = examples()
    with pytest.raises(TaskError, match="no further target 'age' in the examples, but burn ratio, forest kind"):
        loss(learner(also=("age",)), found)
    with pytest.raises(TaskError, match="expected classes from 0 to 1"):
        loss(learner(also=("forest kind: 2",)), found)


def test_tasks_keep_further_targets_on_their_pixels() -> None:
    """Cropped and turned with the image that they belong to."""
    region = Region("here", examples(count=1, side=24))
    sampling = Sampling(shots=(1, 3), crop=10)
    for seed in range(6):
        drawn = sampling.task(region, np.random.default_rng(seed)).support
        ratio, bands = drawn.inputs["also.burn ratio"], drawn.inputs["bands"]
        assert ratio.shape == drawn.targets.shape == (1, 10, 10)
        torch.testing.assert_close(ratio, 5 + 3 * bands[:, 0])

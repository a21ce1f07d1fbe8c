"""Tasks drawn from regions: what they hold, and that they are a function of the seed and the step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from handful.augment.moves import Turn
from handful.data import DATASETS
from handful.data.sampling import Sampling, cropped
from handful.errors import SettingsError
from handful.problem import UNLABELLED, Classes
from handful.region import Region
from handful.task import Examples, Task, first_tensor


def make_region(name: str = "a", side: int = 40) -> Region:
    """Bands that tell each pixel's class and place, a third of it unlabelled."""
    place = torch.arange(float(side * side)).view(1, 1, side, side)
    targets = (place[:, 0] % 3).long()
    inputs = {
        "bands": torch.cat([place + 1, targets[:, None].float() + 1]),
        "dates": torch.tensor([[0, 1]]),
        "wavelengths": torch.tensor([[490.0, 842.0]]),
    }
    inputs["bands"] = inputs["bands"].transpose(0, 1)
    return Region(name, Examples(inputs, targets.masked_fill(targets == 2, UNLABELLED), Classes(("x", "y"))))


def labelled(examples: Examples) -> torch.Tensor:
    return examples.targets != UNLABELLED


def same(a: Task, b: Task) -> bool:
    tensors = [(x.support.targets, x.query.targets, x.support.inputs["bands"]) for x in (a, b)]
    return all(torch.equal(left, right) for left, right in zip(*tensors, strict=True))


def test_support_and_query_share_the_inputs_but_no_pixel() -> None:
    task = Sampling(shots=(3, 3), queries=50, augment=("turns", "jitter=0.1")).task(
        make_region(), np.random.default_rng(0)
    )
    assert task.shared
    assert task.support.counts().tolist() == [3, 3] and task.query.counts().tolist() == [50, 50]
    assert not bool((labelled(task.support) & labelled(task.query)).any())


def test_a_step_gives_the_same_tasks_again_and_another_gives_others() -> None:
    regions = [make_region(name) for name in "abc"]
    sampling = Sampling(crop=16, augment=("turns", "jitter=0.05"))
    first, again, other, reseeded = (sampling.tasks(regions, 2, *at) for at in ((1, 5), (1, 5), (1, 6), (2, 5)))
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert not all(same(a, b) for a, b in zip(first, other, strict=True))
    assert not all(same(a, b) for a, b in zip(first, reseeded, strict=True))
    assert len({task.name for task in first}) == 2  # distinct regions


def test_turns_keep_labels_on_their_pixels() -> None:
    rng = np.random.default_rng(3)
    for _ in range(8):
        task = Sampling(crop=12).task(make_region(), rng)
        known = labelled(task.query)
        assert torch.equal(task.query.inputs["bands"][:, 1][known] - 1, task.query.targets[known].float())


def test_eight_turns_are_all_different_and_a_vector_stays() -> None:
    image = torch.arange(9).view(1, 3, 3)
    turned = {tuple(Turn(quarters, mirror)(image).flatten().tolist()) for quarters in range(4) for mirror in (0, 1)}
    assert len(turned) == 8
    assert torch.equal(Turn(1, True)(torch.tensor([[1, 2]])), torch.tensor([[1, 2]]))


def test_a_crop_holds_every_class_or_is_the_whole() -> None:
    examples, rng = make_region().examples, np.random.default_rng(0)
    assert cropped(examples, 12, 5, rng).targets.shape == (1, 12, 12)
    assert cropped(examples, 12, 60, rng) is examples  # no square has so many
    assert cropped(examples, 64, 1, rng) is examples


def test_shots_cover_their_range_evenly_by_factors() -> None:
    rng = np.random.default_rng(0)
    shots = [Sampling(shots=(1, 16)).draw_shots(make_region().examples, rng) for _ in range(400)]
    assert min(shots) == 1 and max(shots) == 16
    assert 0.3 < np.mean([k <= 3 for k in shots]) < 0.65  # log 4 / log 17 is .49


def test_few_labels_leave_one_for_the_query() -> None:
    region = make_region(side=3)  # three labels a class
    task = Sampling(shots=(20, 20)).task(region, np.random.default_rng(0))
    assert task.support.counts().tolist() == [2, 2] and task.query.counts().tolist() == [1, 1]


def test_a_gain_belongs_to_a_date() -> None:
    region = make_region()
    task = Sampling(augment=("jitter=0.2",)).task(region, np.random.default_rng(0))
    gain = task.query.inputs["bands"] / region.examples.inputs["bands"]
    assert torch.allclose(gain, gain[:, :, :1, :1].expand_as(gain))  # one a band
    assert float((gain[0, 0] - gain[0, 1]).abs().max()) > 1e-3


def test_a_table_of_examples_makes_tasks_too() -> None:
    targets = torch.tensor([0, 1] * 10)
    region = Region("t", Examples(torch.randn(20, 4), targets, Classes(("x", "y"))))
    task = Sampling(shots=(2, 2), crop=5).task(region, np.random.default_rng(0))
    assert first_tensor(task.support.inputs).shape == (20, 4) and task.support.counts().tolist() == [2, 2]


def test_shots_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(SettingsError, match="fewest, then the most"):
        Sampling(shots=(5, 1))


def images(height: int, width: int, n: int = 12) -> Examples:
    """Images, each pixel of which has a value of its own."""
    inputs = torch.arange(float(n * 2 * height * width)).view(n, 2, height, width)
    return Examples(inputs, torch.arange(n) % 2, Classes(("x", "y")), base_targets=torch.arange(n))


def test_each_image_has_a_turn_of_its_own_and_keeps_its_class() -> None:
    given = images(5, 5)
    found = Sampling().changed(given, np.random.default_rng(0))
    eight = [(quarters, mirror) for quarters in range(4) for mirror in (False, True)]
    turns = [
        next(at for at in eight if torch.equal(Turn(*at)(before), after))
        for before, after in zip(given.inputs, found.inputs, strict=True)
    ]
    assert len(set(turns)) > 3
    assert torch.equal(found.targets, given.targets) and torch.equal(found.base_targets, given.base_targets)


def test_images_that_are_not_square_keep_their_shape() -> None:
    given = images(4, 6)
    found = Sampling().changed(given, np.random.default_rng(0))
    four = [(quarters, mirror) for quarters in (0, 2) for mirror in (False, True)]
    for before, after in zip(given.inputs, found.inputs, strict=True):
        assert any(torch.equal(Turn(*at)(before), after) for at in four)
    assert not torch.equal(given.inputs, found.inputs)


def test_images_are_lit_each_on_its_own() -> None:
    given = images(3, 3)
    given = Examples(
        {"bands": given.inputs + 1, "dates": torch.zeros(12, 2, dtype=torch.long)}, given.targets, given.problem
    )
    found = Sampling(augment=("jitter=0.1",)).changed(given, np.random.default_rng(0))
    gain = found.inputs["bands"] / given.inputs["bands"]
    assert torch.allclose(gain, gain[:, :, :1, :1].expand_as(gain)) and float(gain[:, 0, 0, 0].std()) > 1e-3
    assert torch.equal(found.inputs["dates"], given.inputs["dates"])


def test_nothing_is_turned_where_a_turned_image_is_of_another_class() -> None:
    given = images(5, 5)
    assert not DATASETS["omniglot"].turns and not DATASETS["mini-imagenet"].turns and DATASETS["aid"].turns
    found = Sampling().on(DATASETS["omniglot"].turns).changed(given, np.random.default_rng(0))
    assert torch.equal(found.inputs, given.inputs)
    assert Sampling().on(True) == Sampling()


def test_rows_and_series_are_not_turned() -> None:
    for inputs in (torch.randn(6, 4), torch.randn(6, 4, 9)):
        given = Examples(inputs, torch.arange(6) % 2, Classes(("x", "y")))
        assert Sampling().changed(given, np.random.default_rng(0)) is given

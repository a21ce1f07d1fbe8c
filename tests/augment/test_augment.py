"""Changes of examples: what stays, what moves with what, and what they do to light."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from handful.augment import AUGMENTATIONS, MIXING, Step, steps_of
from handful.augment.change import changed, copied, drawn_once
from handful.augment.light import VALUES
from handful.augment.moves import MOVES, TURNS, Turn
from handful.errors import SettingsError, TaskError
from handful.problem import UNLABELLED, Classes, Quantity
from handful.task import Examples, Inputs

NM = torch.tensor([490.0, 560.0, 665.0, 842.0, float("nan")])


def land(n: int = 6, height: int = 8, width: int = 8) -> dict[str, torch.Tensor]:
    """Reflectance of two dates and a plain band, each pixel with a value of its own."""
    bands = torch.rand(n, 5, height, width, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.01
    return {
        "bands": bands,
        "wavelengths": NM.expand(n, -1),
        "dates": torch.tensor([0, 0, 0, 0, 0]).expand(n, -1),
    }


def after(word: str, inputs: Inputs, seed: int = 0) -> torch.Tensor:
    found, _ = drawn_once(inputs, steps_of([word]), np.random.default_rng(seed), stays=True)
    return found["bands"] if isinstance(found, dict) else found


def images(n: int = 8, side: int = 6) -> Examples:
    inputs = torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(1))
    return Examples(inputs, torch.arange(n) % 2, Classes(("x", "y")), base_targets=torch.arange(n))


def test_every_word_has_its_function() -> None:
    assert set(AUGMENTATIONS) == {*VALUES, *MOVES, *MIXING}


def test_unknown_words_and_amounts_are_refused_with_the_likely_one() -> None:
    with pytest.raises(SettingsError, match="no augmentation is called 'turn'. Did you mean turns"):
        steps_of(["turn"])
    for odd in ("haze=much", "haze=0", "haze=-1", "haze=nan", "crop=2"):
        with pytest.raises(SettingsError, match="give a number above 0"):
            steps_of([odd])
    with pytest.raises(SettingsError, match="takes no amount"):
        steps_of(["turns=4"])
    with pytest.raises(SettingsError, match="given twice"):
        steps_of(["haze", "haze=0.1"])
    assert steps_of(["noise=0.01"]) == (Step("noise", 0.01),)


def test_four_quarter_turns_and_two_mirrors_give_the_original() -> None:
    image = torch.rand(2, 3, 4, 5)
    four = image
    for _ in range(4):
        four = Turn(1)(four)
    assert torch.equal(four, image) and torch.equal(Turn(0, True)(Turn(0, True)(image)), image)
    assert all(torch.equal(turn.back(turn(image)), image) for turn in TURNS)
    square = torch.arange(9).view(1, 3, 3)
    assert len({tuple(turn(square).flatten().tolist()) for turn in TURNS}) == 8


@pytest.mark.parametrize("word", ["turns", "crop=0.5", "zoom=0.5", "cutout=0.5", "cutmix"])
def test_labels_move_with_their_pixels(word: str) -> None:
    """Each pixel's target is told by its value, before and after; what shows nothing any more is unlabelled."""
    values = torch.arange(4 * 9 * 9).view(4, 1, 9, 9).float()
    given = Examples(values, (values[:, 0] % 7).long(), Classes(tuple("abcdefg")))
    moved = 0
    for seed in range(6):
        found = changed(given, steps_of([word]), np.random.default_rng(seed))
        known = found.targets != UNLABELLED
        assert torch.equal((found.inputs[:, 0] % 7).long()[known], found.targets[known])
        assert bool(known.all()) != (word.startswith("cutout"))
        moved += not torch.equal(found.inputs, values)
    assert moved > 3


def test_a_crop_shows_its_window_only_and_keeps_the_size() -> None:
    image = torch.arange(100.0).view(1, 1, 10, 10)
    found = after("crop=0.6", image)
    assert found.shape == image.shape and len(found.unique()) == 36
    rows = (found.unique() // 10).unique()
    assert len(rows) == 6 and torch.equal(rows, torch.arange(rows[0], rows[0] + 6))


def test_a_hole_has_the_mean_of_its_band() -> None:
    image = torch.rand(1, 2, 10, 10)
    found = after("cutout=0.4", image)
    off = (found != image).any(1)
    assert 4 <= int(off.sum()) <= 16
    assert torch.allclose(found[:, :, off[0]], image.mean((-2, -1))[..., None].expand(-1, -1, int(off.sum())))


def test_light_keeps_the_ratios_of_bands_and_leaves_plain_ones() -> None:
    given = land(1)
    found = after("light=0.3", given)
    gain = found[:, :4] / given["bands"][:, :4]
    assert torch.allclose(gain, gain.flatten()[0].expand_as(gain)) and abs(float(gain.flatten()[0]) - 1) > 0.01
    assert torch.equal(found[:, 4], given["bands"][:, 4])


def test_dates_have_a_light_of_their_own() -> None:
    given = land(1) | {"dates": torch.tensor([[0, 0, 1, 1, 1]])}
    gain = (after("light=0.3", given) / given["bands"])[0, :, 0, 0]
    assert torch.allclose(gain[0], gain[1]) and torch.allclose(gain[2], gain[3]) and abs(gain[0] - gain[2]) > 0.01


def test_haze_raises_blue_more_than_red_and_never_beyond_white() -> None:
    given = land(1)
    dark, white = given | {"bands": torch.zeros(1, 5, 2, 2)}, given | {"bands": torch.ones(1, 5, 2, 2)}
    for seed in range(5):
        path = after("haze=0.1", dark, seed)[0, :, 0, 0]
        assert bool((path[:3] > path[1:4]).all()) and float(path[3]) > 0 and float(path[4]) == 0
        steep = torch.log(path[0] / path[3]) / torch.log(NM[3] / NM[0])
        assert 0.8 <= float(steep) <= 2.5  # Angstrom's exponent
        assert torch.allclose(after("haze=0.1", white, seed), white["bands"])
        seen = after("haze=0.1", given, seed)
        assert bool((seen[:, :4] >= given["bands"][:, :4]).all()) and float(seen.max()) <= 1


def test_haze_needs_wavelengths_and_hue_a_picture() -> None:
    with pytest.raises(TaskError, match="wavelengths"):
        after("haze", torch.rand(1, 3, 4, 4))
    with pytest.raises(TaskError, match="no reflectance"):
        after("hue", land(1))


def test_hue_keeps_greys_and_brightness() -> None:
    grey = torch.full((1, 3, 2, 2), 0.4)
    assert torch.allclose(after("hue=0.5", grey), grey, atol=1e-6)
    picture = torch.rand(1, 3, 5, 5)
    found = after("hue=0.5", picture)
    assert torch.allclose(found.mean(1), picture.mean(1), atol=1e-6) and not torch.allclose(found, picture)
    assert torch.allclose(found.norm(dim=1), picture.norm(dim=1), atol=1e-6)


def test_noise_has_the_deviation_that_is_asked_for() -> None:
    given = {"bands": torch.full((1, 40, 60, 60), 0.7)}
    off = after("noise=0.01", given) - 0.7
    assert abs(float(off.mean())) < 1e-4 and 0.0095 < float(off.square().mean().sqrt()) < 0.0125
    dark = after("noise=0.01", {"bands": torch.zeros(1, 40, 60, 60)})
    assert abs(float(dark.std() / off.std()) - 0.3**0.5) < 0.02


def test_quantities_are_mixed_as_their_inputs_are() -> None:
    inputs = torch.rand(12, 4)
    given = Examples(inputs, inputs @ torch.tensor([1.0, -2.0, 3.0, 0.5]), Quantity("x"))  # linear in the inputs
    found = changed(given, steps_of(["mixup=1"]), np.random.default_rng(0))
    assert torch.allclose(found.inputs @ torch.tensor([1.0, -2.0, 3.0, 0.5]), found.targets, atol=1e-6)
    assert not torch.allclose(found.inputs, inputs)


def test_a_mixed_image_is_of_either_class_by_its_share() -> None:
    own = torch.arange(4000) % 2
    given = Examples(own.float()[:, None], own, Classes(("x", "y")))
    found = changed(given, steps_of(["mixup=1"]), np.random.default_rng(0))
    half = (found.inputs[:, 0] - 0.75).abs() < 0.1  # of which three quarters are y
    assert abs(float(found.targets[half].float().mean()) - 0.75) < 0.06
    pure = (found.inputs[:, 0] == 0) | (found.inputs[:, 0] == 1)
    assert torch.equal(found.targets[pure], found.inputs[pure, 0].long())


@pytest.mark.parametrize("word", sorted(set(AUGMENTATIONS) - {"haze"}))
def test_equal_seeds_give_equal_bytes_and_nothing_else_changes(word: str) -> None:
    given = images(side=16)
    before = given.inputs.clone()
    first, again, other = (changed(given, steps_of([word]), np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(first.inputs, again.inputs) and torch.equal(first.targets, again.targets)
    assert not torch.equal(first.inputs, other.inputs) and torch.equal(given.inputs, before)
    assert first.inputs.shape == before.shape and len(first.base_targets) == 8


def test_what_moves_pixels_is_refused_for_a_table() -> None:
    table = Examples(torch.rand(4, 3), torch.arange(4) % 2, Classes(("x", "y")))
    with pytest.raises(TaskError, match="'turns' moves pixels"):
        changed(table, steps_of(["turns"]), np.random.default_rng(0))
    assert changed(table, steps_of(["noise"]), np.random.default_rng(0)).inputs.shape == (4, 3)


def test_copies_join_the_originals() -> None:
    given = images()
    found = copied(given, steps_of(["turns", "light"]), 3, seed=0)
    assert len(found) == 32 and torch.equal(found.inputs[:8], given.inputs)
    assert torch.equal(found.targets, given.targets.repeat(4)) and found.base_targets is None

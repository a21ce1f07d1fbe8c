"""Self-supervision: the losses as the papers write them, views that reflectance allows, labels that don't count."""

from __future__ import annotations

import math

import pytest
import torch

from handful.encoders import make_encoder
from handful.encoders.projection import Projection
from handful.errors import SettingsError, TaskError
from handful.learners import make
from handful.problem import Classes
from handful.solvers import views
from handful.solvers.contrast import nt_xent
from handful.task import Examples, Task

DENSE = {"encoder": "dense", "encoder_settings": {"bands": 4, "width": 6, "blocks": 1, "windows": (3,)}}
CONV = {"encoder": "conv4", "encoder_settings": {"bands": 4, "width": 6}}
WAVES = torch.tensor([490.0, 665.0, 842.0, 1610.0])
METHODS = ("simclr", "dual_simclr", "simmim")


def images(count: int = 6, side: int = 12, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 4, side, side, generator=torch.Generator().manual_seed(seed))


def of_one_class_each(inputs: torch.Tensor | dict[str, torch.Tensor], count: int) -> Task:
    examples = Examples(inputs, torch.arange(count), Classes(tuple(map(str, range(count)))))
    return Task(examples, examples)


def test_nt_xent_is_equation_1() -> None:
    draw = torch.Generator().manual_seed(0)
    one, other = torch.randn(3, 5, generator=draw), torch.randn(3, 5, generator=draw)
    z = torch.cat([one, other])
    z = z / z.norm(dim=1, keepdim=True)
    losses = []
    for i in range(6):
        j = (i + 3) % 6
        below = sum(math.exp(float(z[i] @ z[k]) / 0.5) for k in range(6) if k != i)
        losses.append(-math.log(math.exp(float(z[i] @ z[j]) / 0.5) / below))
    assert float(nt_xent(one, other, 0.5)) == pytest.approx(sum(losses) / 6, rel=1e-5)


def test_nt_xent_knows_neither_lengths_nor_order_and_is_least_where_views_agree() -> None:
    draw = torch.Generator().manual_seed(0)
    one, other = torch.randn(8, 5, generator=draw), torch.randn(8, 5, generator=draw)
    loss, order = nt_xent(one, other, 0.2), torch.randperm(8, generator=draw)
    assert torch.allclose(nt_xent(3 * one, other[:], 0.2), loss) and torch.allclose(nt_xent(other, one, 0.2), loss)
    assert torch.allclose(nt_xent(one[order], other[order], 0.2), loss)
    assert nt_xent(one, one, 0.2) < loss


def test_turns_are_undone() -> None:
    square, wide = images(8), torch.rand(4, 3, 5, 7)
    turns = torch.arange(8)
    assert torch.equal(views.turned(views.turned(square, turns), turns, back=True), square)
    assert len({tuple(t.flatten().tolist()) for t in views.turned(square[:1].expand(8, -1, -1, -1), turns)}) == 8
    drawn = views.turns_of(wide)
    assert views.turned(wide, drawn).shape == wide.shape  # half turns and mirrors alone


def test_light_leaves_what_does_not_reflect_and_the_ratio_of_pixels() -> None:
    some, reflects = images() + 0.1, torch.tensor([True, True, True, False])
    lit = views.lit(some, 0.3, reflects)
    assert torch.equal(lit[:, 3], some[:, 3]) and not torch.allclose(lit[:, 0], some[:, 0])
    gain = lit / some
    assert torch.allclose(gain, gain[:, :, :1, :1].expand_as(gain), rtol=1e-4)  # one an image and band: nothing else


def test_crops_keep_the_size_of_a_pixel() -> None:
    place = torch.arange(144.0).view(1, 1, 12, 12).expand(5, -1, -1, -1)
    part = views.cropped(place, 0.5)
    assert part.shape == (5, 1, 6, 6)
    assert bool((part.diff(dim=3) == 1).all()) and bool((part.diff(dim=2) == 12).all())
    assert len(part[:, 0, 0, 0].unique()) > 1
    assert views.patches(place, 4, 7).shape == (7, 1, 4, 4) and views.patches(place, 40, 2).shape == (2, 1, 12, 12)


def test_one_band_at_least_is_left() -> None:
    some = images(40)
    shown = views.without_bands(some, 0.999)
    kept = (shown == some).flatten(2).all(2).sum(1)
    assert int(kept.min()) == 1 and torch.allclose(shown.mean((0, 2, 3)), some.mean((0, 2, 3)), atol=0.1)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("encoder", [DENSE, CONV, {"encoder": "spectral", "encoder_settings": {"width": 8}}])
def test_labels_change_nothing_and_the_loss_reaches_the_encoder(name: str, encoder: dict) -> None:
    learner, losses = make(name, **encoder), []
    told = {"bands": images(), "wavelengths": WAVES.expand(6, -1), "dates": torch.zeros(6, 4, dtype=torch.long)}
    for targets in (torch.arange(6) % 2, torch.arange(6) % 3):
        examples = Examples(told, targets, Classes(("a", "b", "c")))
        torch.manual_seed(1)
        losses.append(learner.task_loss(Task(examples, examples)))
    assert torch.equal(losses[0], losses[1])
    losses[0].backward()
    assert any(float(w.grad.abs().sum()) > 0 for w in learner.net.encoder.parameters() if w.grad is not None)


@pytest.mark.parametrize("name", METHODS)
def test_training_lowers_the_loss(name: str) -> None:
    told = {"simclr": {"dropout": 0.0, "noise": 0.01}, "simmim": {"hidden": 0.1, "hidden_bands": 0.3}}
    learner = make(name, **DENSE, **told.get(name, {}))
    scale = torch.rand(16, 1, 1, 1, generator=torch.Generator().manual_seed(5))
    task = of_one_class_each(images(16) * 0.05 + scale * torch.tensor([1.0, 0.5, 0.2, 0.8]).view(1, 4, 1, 1), 16)
    optimizer = torch.optim.Adam(learner.net.parameters(), 3e-3)

    def loss_of(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return learner.task_loss(task)

    before = [float(loss_of(seed).detach()) for seed in range(100, 110)]  # views that no step sees
    for step in range(40):
        optimizer.zero_grad()
        loss_of(step).backward()
        optimizer.step()
    assert sum(float(loss_of(seed).detach()) for seed in range(100, 110)) < 0.95 * sum(before)


def test_maps_are_cut_into_patches() -> None:
    learner = make("simclr", **DENSE, patch=8, patches=5, share=1.0)
    seen: list[torch.Size] = []
    learner.net.encoder.register_forward_hook(lambda module, given, found: seen.append(given[0].shape))
    examples = Examples(images(1, 30), torch.zeros(1, 30, 30, dtype=torch.long), Classes(("a", "b")))
    learner.task_loss(Task(examples, examples))
    assert seen == [torch.Size([5, 4, 8, 8])] * 2


def test_the_same_pixel_is_contrasted() -> None:
    """With views that differ by turns alone, and an encoder of single pixels, both tables are equal."""
    learner = make("simclr", **DENSE, contrast="pixels", light=0.0, noise=0.0, dropout=0.0)
    learner.net.encoder.forward = lambda told, edges=True: told  # type: ignore[method-assign]
    learner.net.encoder.width = 4
    one, other = learner.of_pixels(images())
    assert one.shape == (6 * learner.points, 4) and torch.equal(one, other)


def test_hidden_values_reach_the_loss_only_as_what_is_wanted() -> None:
    learner = make("simmim", **CONV)
    some, mask = images(), learner.mask(images())
    hidden = torch.where(mask, images(seed=9), some)
    seen: list[torch.Tensor] = []
    learner.net.encoder.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    unpooled = learner.net.encoder.unpooled
    learner.net.encoder.unpooled = lambda told: (seen.append(told), unpooled(told))[1]  # type: ignore[method-assign]
    losses = [learner.error(part, part, mask) for part in (some, hidden)]
    assert torch.equal(seen[0], seen[1]) and not torch.equal(losses[0], losses[1])


def test_the_masked_error_is_of_hidden_values_alone() -> None:
    learner = make("simmim", **DENSE)
    some = images()
    mask = torch.zeros_like(some, dtype=torch.bool)
    mask[0, 1, 2, 3] = True
    with torch.no_grad():
        for weight in learner.net.head.parameters():
            weight.zero_()
        found = learner.error(some, some, mask)
    rest = some[:, 1][~mask[:, 1]]
    wanted = abs(float(some[0, 1, 2, 3] - rest.mean())) / float(rest.std(correction=0))
    assert float(found) == pytest.approx(wanted, rel=1e-4)


def test_the_share_that_is_hidden() -> None:
    torch.manual_seed(0)
    learner = make("simmim", **DENSE, hidden=0.5, hidden_bands=0.0)
    mask = learner.mask(torch.zeros(200, 4, 16, 16))
    assert float(mask.float().mean()) == pytest.approx(0.5, abs=0.02) and torch.equal(mask[:, 0], mask[:, 3])
    squares = mask[:, 0].unflatten(1, (4, 4)).unflatten(3, (4, 4)).movedim(2, 3).flatten(3).float().mean(3)
    assert set(squares.unique().tolist()) == {0.0, 1.0}


def test_a_pair_reads_each_sensor_by_itself() -> None:
    pair = make_encoder("pair", {"bands": 5, "first": 3, "width": 6}).eval()
    some = torch.rand(2, 5, 40, 40)
    one, other = pair.views(some)
    assert torch.equal(pair(some), torch.cat([one, other], 1)) and pair.width == one.shape[1] + other.shape[1]
    changed = some.clone()
    changed[:, 3:] = 0
    assert torch.equal(pair.views(changed)[0], one) and not torch.equal(pair.views(changed)[1], other)
    inside = pair(some)[:, :, pair.reach : -pair.reach, pair.reach : -pair.reach]
    assert torch.allclose(pair(some, edges=False), inside, atol=1e-5)
    with pytest.raises(SettingsError, match="first = 5 of 5 bands"):
        make_encoder("pair", {"bands": 5, "first": 5})
    with pytest.raises(SettingsError, match="kind of encoder 'pair' is 'dens'"):
        make_encoder("pair", {"bands": 5, "first": 3, "kind": "dens"})
    with pytest.raises(SettingsError, match="give a word"):
        make_encoder("pair", {"bands": 5, "first": 3, "kind": 4})


def test_what_is_no_image_and_an_encoder_without_maps_are_refused() -> None:
    rows = Examples(torch.rand(4, 3), torch.arange(4), Classes(("a", "b", "c", "d")))
    with pytest.raises(TaskError, match="takes images"):
        make("simclr", encoder="table", encoder_settings={"bands": 3}).task_loss(Task(rows, rows))
    with pytest.raises(SettingsError, match="encoder 'table' has none: take dense"):
        make("simmim", encoder="table", encoder_settings={"bands": 3})


def test_the_ridge_is_the_same_for_features_scaled_and_shifted() -> None:
    learner, draw = make("simclr", **DENSE), torch.Generator().manual_seed(0)
    table, targets = torch.randn(20, 7, generator=draw), torch.arange(20) % 3
    scores = [
        learner.solve(9 * k * table + 4 * k, targets, Classes(("a", "b", "c")))(9 * k * table + 4 * k).mean
        for k in (1.0, 0.01)
    ]
    assert torch.allclose(scores[0], scores[1], atol=1e-3)


def test_the_projection_looks_at_what_differs_between_rows() -> None:
    """One offset of all rows, or one gain, is taken out by its batch norm; a single row is refused."""
    head, draw = Projection(5, 3), torch.Generator().manual_seed(0)
    some = torch.randn(8, 5, generator=draw)
    assert torch.allclose(head(some), head(7 * some + 30), atol=1e-3)
    assert not list(head.buffers())  # nothing that a resumed run would lack
    with pytest.raises(TaskError, match="give two images or more"):
        head(some[:1])


def test_conv4_centres_bands_where_it_is_asked_to() -> None:
    told = {"bands": 4, "width": 6}
    torch.manual_seed(0)
    plain = make_encoder("conv4", told)
    torch.manual_seed(0)
    other = make_encoder("conv4", told | {"centred": True})
    assert torch.equal(other(images()), plain(4 * images() - 2)) and not torch.equal(other(images()), plain(images()))

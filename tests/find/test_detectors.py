"""The trained detectors: targets by hand, losses that fall, what is fixed and what isn't, weights on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from handful.checkpoint import write_tensors
from handful.errors import CheckpointError, OutputError
from handful.find.attention_detector import AttentionDetector
from handful.find.base_training import (
    IN_A_SCENE,
    BaseTraining,
    base_scenes,
    load,
    make_detector,
    one_loss,
    save,
    train,
    trained,
    turned,
)
from handful.find.cosine_detector import SCALE, CosineDetector, Last
from handful.find.detections import Detections
from handful.find.trained import within
from handful.find.two_stage import GRID, SAME, Chosen, assigned, balanced, chosen, gridded, steps_loss
from handful.maps.grid import Window
from handful.meta_train import STATE, read_state
from handful.simulate.object_kinds import BASE
from handful.simulate.object_scenes import object_scene
from handful.solvers.boxes import areas, clipped, encoded, overlaps

QUICK = BaseTraining(steps=6, scenes=3, size=48)


class Killed(Exception):
    pass


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def scenes():
    found = (object_scene(seed, size=64, kinds=BASE, density=200.0) for seed in range(20))
    return [scene for scene in found if len(scene.kinds) >= 2][:4]


@pytest.fixture(scope="module", params=["cosine", "attention"])
def detector(request: pytest.FixtureRequest):
    torch.manual_seed(0)
    return make_detector(request.param, len(BASE))


def test_boxes_get_the_true_box_that_they_overlap_most():
    truth = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]])
    owner, best = assigned(torch.tensor([[21.0, 0, 31, 10], [0, 0, 10, 5], [50, 50, 60, 60]]), truth)
    assert owner[:2].tolist() == [1, 0] and best.tolist() == pytest.approx([90 / 110, 0.5, 0])
    assert [part.tolist() for part in assigned(truth, truth[:0])] == [[0, 0], [0.0, 0.0]]


def test_a_draw_has_its_share_and_no_index_twice():
    good, bad = torch.arange(100) < 40, torch.arange(100) >= 50
    index = balanced(good, bad, 32, 0.25, generator())
    assert len(index) == 32 == len(index.unique()) and int(good[index].sum()) == 8 and bool((good | bad)[index].all())
    assert torch.equal(index, balanced(good, bad, 32, 0.25, generator()))
    assert len(balanced(good, bad & False, 32, 0.25, generator())) == 8


def test_the_loss_of_right_steps_is_nothing():
    anchors, boxes = torch.tensor([[0.0, 0, 8, 8]]), torch.tensor([[2.0, 1, 12, 7]])
    assert float(steps_loss(encoded(boxes, anchors), anchors, boxes, 1)) == 0
    assert float(steps_loss(encoded(boxes, anchors) + 1, anchors, boxes, 1)) == pytest.approx(4 * (1 - 0.1))


def test_the_last_layer_is_a_cosine():
    last, rows = Last(6, 3), torch.randn(5, 6, generator=generator())
    logits, steps = last(rows)
    assert torch.allclose(logits, last(7 * rows)[0], atol=1e-5) and logits.abs().max() <= SCALE + 1e-4
    assert steps.shape == (5, 3, 4)
    by_hand = SCALE * torch.cosine_similarity(rows[1], last.weight[2], dim=0)
    assert float(logits[1, 2]) == pytest.approx(float(by_hand), abs=1e-4)


def test_without_objects_all_is_background():
    last = Last(6, 3)
    nothing = Chosen(torch.rand(4, 4), torch.zeros(4, dtype=torch.long), torch.zeros(4, dtype=torch.bool))
    loss = last.loss(torch.randn(4, 6), nothing, torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))
    assert loss.isfinite()


def test_every_weight_learns(detector, scenes):
    losses = (one_loss(detector, scenes, generator(seed), share) for seed in range(4) for share in (0.1, 0.9))
    loss = sum(losses, torch.zeros(()))
    detector.zero_grad()
    loss.backward()
    still = [name for name, weight in detector.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not still


def test_losses_fall(scenes):
    torch.manual_seed(0)
    net = CosineDetector(len(BASE))
    steps = torch.optim.AdamW(net.parameters(), 2e-3)
    losses = []
    for _ in range(25):
        loss = one_loss(net, scenes[:1], generator(), 0.0)
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(float(loss))
    assert losses[-1] < 0.6 * losses[0]


def test_fine_tuning_leaves_the_net_and_repeats(scenes):
    torch.manual_seed(0)
    net = CosineDetector(len(BASE)).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    image, boxes, _ = turned(scenes[0], generator())
    kinds = torch.arange(len(boxes)) % 2
    last, again = (net.fine_tuned([image], [boxes], [kinds], 2, 5) for _ in range(2))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(last.weight, again.weight) and last.weight.shape[0] == 3
    found = net.detect(image, last)
    assert (found.scores.diff() <= 0).all() and torch.equal(found.boxes, found.boxes.clamp(0, 64))


def test_each_kind_is_looked_for_by_itself(scenes):
    """What is found of a kind doesn't depend on which other kinds are asked for, nor on their order."""
    torch.manual_seed(0)
    net = AttentionDetector(len(BASE)).eval()
    image, boxes, _ = turned(scenes[0], generator())
    examples = net.examples([image], [boxes[:2]], [torch.tensor([0, 1])], 2)
    both, turned_round = net.detect(image, examples), net.detect(image, examples[::-1])
    alone = net.detect(image, examples[:1])
    own = both.kinds == 0
    assert torch.equal(both.boxes[own], alone.boxes[: int(own.sum())])
    assert torch.equal(both.boxes[own], turned_round.boxes[turned_round.kinds == 1])


def test_shots_are_averaged(scenes):
    net = AttentionDetector(len(BASE)).eval()
    image, boxes, _ = turned(scenes[0], generator())
    mean = net.examples([image], [boxes[:2]], [torch.tensor([0, 0])], 1)[0]
    each = [net.examples([image], [boxes[i : i + 1]], [torch.tensor([0])], 1)[0] for i in range(2)]
    assert torch.allclose(mean, (each[0] + each[1]) / 2, atol=1e-6)


def test_boxes_of_the_examples_sizes_lie_all_over_the_image():
    """Wherever an object of an example's size stands, one of them is it by half at least; none reaches beyond."""
    sides = torch.tensor([[12.0, 20.0], [20.0, 12.0]])
    found = gridded(sides, 64, 80)
    assert torch.equal(found, clipped(found, 64, 80)) and len(found) < 1.5 * GRID
    y, x = torch.meshgrid(torch.arange(0, 53), torch.arange(0, 61), indexing="ij")
    low = torch.stack([x.flatten(), y.flatten()], 1).float()
    assert overlaps(torch.cat([low, low + torch.tensor([20.0, 12.0])], 1), found).amax(1).min() > SAME
    assert len(gridded(sides[:0], 64, 80)) == 0 and len(gridded(torch.tensor([[3.0, 3.0]]), 400, 400)) < 1.5 * GRID


def test_a_tile_ends_where_the_scene_does():
    assert within(Window(-48, 100, 288, 288), 200, 256) == Window(0, 100, 200, 156)


def test_turning_keeps_boxes_on_their_objects(scenes):
    scene = scenes[0]
    for seed in range(6):
        image, boxes, _ = turned(scene, generator(seed))
        assert torch.allclose((boxes[:, 2:] - boxes[:, :2]).prod(1), areas(scene.boxes), rtol=1e-4)
        left, top, right, bottom = boxes[0].round().int().tolist()
        assert image.shape == (1, 4, 64, 64)
        assert 0 <= left < right <= 64 and 0 <= top < bottom <= 64


def test_the_best_boxes_of_each_kind():
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [30, 30, 44, 44]])[:, None].expand(-1, 2, -1)
    scores = torch.tensor([[0.9, 0.3], [0.8, 0.6], [0.02, 0.7]])
    found = Detections.best(boxes, scores, 40, 40)
    assert found.kinds.tolist() == [0, 1, 1] and found.scores.tolist() == pytest.approx([0.9, 0.7, 0.6])
    assert found.boxes[1].tolist() == [30, 30, 40, 40]


def test_what_matches_is_no_rarity_where_that_is_asked_for():
    truth = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    proposals = torch.cat([truth + 1, torch.tensor([[40.0, 40, 50, 50]]).repeat(60, 1)])
    plain, few = chosen(proposals, truth, generator()), chosen(proposals, truth, generator(), 1 / 3)
    assert (len(plain.boxes), len(few.boxes)) == (64, 12) and int(plain.holds.sum()) == int(few.holds.sum()) == 4
    assert few.owner[few.holds].sort().values.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("name", ["cosine", "attention"])
def test_killed_anywhere_base_training_ends_at_the_same_weights(name: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("handful.meta_train.KEEP_SECONDS", 0.0)

    def stopping(at: int):
        def progress(stage: str, done: int, total: int) -> None:
            if stage == "base training" and done == at:
                raise Killed

        return progress

    whole = trained(name, tmp_path / "whole", how=QUICK)
    for at in (1, 4):
        with pytest.raises(Killed):
            trained(name, tmp_path / "broken", stopping(at), QUICK)
        assert read_state(tmp_path / "broken" / STATE)["step"] == at
    done = []
    again = trained(name, tmp_path / "broken", lambda stage, step, total: done.append((stage, step)), QUICK)
    assert min(step for stage, step in done if stage == "base training") == 5  # 4 were kept
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True))
    weights = [(tmp_path / folder / "model.safetensors").read_bytes() for folder in ("whole", "broken")]
    assert weights[0] == weights[1] and not (tmp_path / "broken" / STATE).exists()


def test_an_unfinished_training_of_another_kind_is_refused(tmp_path: Path):
    def progress(stage: str, done: int, total: int) -> None:
        if stage == "base training":
            raise Killed

    with pytest.raises(Killed):
        trained("cosine", tmp_path, progress, replace(QUICK, steps=60))
    (tmp_path / "stray").write_text("")
    with pytest.raises(OutputError, match="holds other things"):
        trained("cosine", tmp_path, how=QUICK)
    (tmp_path / "stray").unlink()
    write_tensors(tmp_path / STATE, {}, {"state": '{"step": 1, "best_score": null, "best_step": 0, "key": "other"}'})
    with pytest.raises(CheckpointError, match="unfinished base training of another detector"):
        trained("cosine", tmp_path, how=QUICK)


def test_scenes_of_base_training_show_a_few_of_all_kinds():
    how = replace(QUICK, scenes=6, size=96, made_up=20)
    scenes = base_scenes(how, lambda stage, done, total: None)
    assert all(scene.names == tuple(kind.name for kind in how.kinds) for scene in scenes)
    assert all(1 <= len(scene.kinds.unique()) <= IN_A_SCENE for scene in scenes)
    places = torch.cat([scene.kinds for scene in scenes])
    assert places.max() < len(how.kinds) == 20 + len(BASE) and len(places.unique()) > IN_A_SCENE
    for scene in scenes:
        sides = (scene.corners - scene.corners.roll(1, 1)).norm(dim=2).amax(1) * how.resolution_m
        for kind, side in zip(scene.kinds.tolist(), sides.tolist(), strict=True):
            least, most = how.kinds[kind].length
            assert least * 0.99 <= side <= most * 1.01


def test_weights_survive_the_disk(tmp_path: Path):
    one, state = train("cosine", QUICK)
    save(one, "cosine", QUICK, tmp_path, state.seconds)
    kept = load("cosine", tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), kept.state_dict().values(), strict=True))
    with pytest.raises(CheckpointError, match="not a detector 'attention'"):
        load("attention", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"12345678")
    with pytest.raises(CheckpointError, match="damaged"):
        load("cosine", tmp_path)
